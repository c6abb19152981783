"""Reads the description of a relay board from its text: the `relay` of a meter profile, once for all its channels.

Some come with the agent; a site's own come as text in `configure`, beside its meter profiles.
"""

from __future__ import annotations

from protocol.meter_profile import reasons
from protocol.meter_profile import words as profile_words
from protocol.meter_profile.boards import RelayBoard
from protocol.meter_profile.frames import READ_BIT_FUNCTIONS
from protocol.meter_profile.parts import GREATEST_ADDRESS, read_relay
from protocol.meter_profile.table import PRESENT, Mistake, ProfileError, ProfileTable, read_text
from protocol.meter_profile.values import Grade, Relay, RelayReadback
from protocol.meter_profile.words import DEFAULT_TURNAROUND_MS, LONGEST_SILENCE_MS, LONGEST_TURNAROUND_MS

MOST_CHANNELS = 64
"""Beyond the largest boards on sale (32); all channels are read in one."""
MOST_REGISTERS = 125
"""In one request (MODBUS Application Protocol V1.1b3, 6.3)."""

_GRADES = [str(grade) for grade in Grade]


def load_board(text: str, name: str) -> RelayBoard:
    """Read a board. Raises ProfileError with all mistakes; `name` stands for the file in them."""
    file = f"{name}.toml"
    mistakes: list[Mistake] = []
    board = _read_board(ProfileTable(file, "", read_text(text, file), mistakes), name)
    if mistakes or board is None:
        raise ProfileError(mistakes)
    return board


def _read_board(top: ProfileTable, name: str) -> RelayBoard | None:
    top.one_of("format", (profile_words.FORMAT,))
    top.word("kind", (profile_words.BOARD_KIND,))
    line = top.table("line", needed=True)
    silence_ms = line.integer("silence_ms", 0, LONGEST_SILENCE_MS, 0) if line else 0
    turnaround_ms = line.integer("turnaround_ms", 1, LONGEST_TURNAROUND_MS, DEFAULT_TURNAROUND_MS) if line else 1
    if line:
        line.finish()
    channels = top.integer("channels", 1, MOST_CHANNELS)
    relay = read_relay(top, _GRADES)
    vendor, model, sources = top.text("vendor"), top.text("model"), top.texts("sources")
    grade = Grade(top.word("grade", _GRADES))
    if relay is None:
        top.wrong("relay", reasons.NO_RELAY)
    else:
        _check_channels(top, relay, channels)
    top.finish()
    if relay is None:
        return None
    return RelayBoard(name, vendor, model, grade, sources, silence_ms, turnaround_ms, channels, relay)


def _check_channels(top: ProfileTable, relay: Relay, channels: int) -> None:
    """What holds of one channel and not of all of them."""
    if relay.write_release is not None:
        top.wrong("relay.release", reasons.BOARD_RELEASE, PRESENT)
    if relay.write_arm is not None:
        top.wrong("relay.arm", reasons.BOARD_ARM, PRESENT)
    for key, read in (("relay", relay.order), ("relay.contact", relay.contact)):
        if read is None:
            continue
        if read.address + channels * read.count - 1 > GREATEST_ADDRESS:
            top.wrong(f"{key}.address", reasons.CHANNELS_BEYOND(channels=channels), read.address)
        if read.function not in READ_BIT_FUNCTIONS and channels * read.count > MOST_REGISTERS:
            top.wrong("channels", reasons.CHANNELS_READ(most=MOST_REGISTERS), channels)
    if relay.order and relay.contact and _tag(relay.order, channels) == _tag(relay.contact, channels):
        top.wrong("relay.contact", reasons.CONTACT_LIKE_ORDER, PRESENT)


def _tag(read: RelayReadback, channels: int) -> tuple[int, int]:
    bits = read.function in READ_BIT_FUNCTIONS
    return read.function, (channels * read.count + 7) // 8 if bits else channels * read.count
