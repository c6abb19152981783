"""What a profile would do, frame by frame: for whoever writes or proves one. Nothing is sent.

The frames are those that the bus sends, made by the same `planned_reads`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from protocol.meter_profile import sentences as said
from protocol.meter_profile.blocks import relay_blocks
from protocol.meter_profile.boards import RelayBoard, seated_relay
from protocol.meter_profile.frames import READ_BIT_FUNCTIONS, Request, read_request
from protocol.meter_profile.questions import PlannedRead, planned_reads, unlocked_write
from protocol.meter_profile.values import Grade, MeterClock, Profile, Quantity, RegisterType, Relay
from protocol.reason import PLAIN, Reason

INDENT = "    "
NAME_WIDTH = 28


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a description: a sentence, and how far in it stands."""

    said: Reason
    indent: int = 0

    def __str__(self) -> str:
        """In English, for a terminal."""
        return INDENT * self.indent + str(self.said)

    def told(self, translate: Callable[[str], str]) -> str:
        """In another language."""
        return INDENT * self.indent + self.said.told(translate)


EMPTY = Line(PLAIN(text=""))


def describe_profile(profile: Profile, unit: int) -> list[str]:
    """Every read and write of a meter with this unit id, in the order in which they matter; lines for a terminal."""
    return list(map(str, profile_lines(profile, unit)))


def describe_board(board: RelayBoard, unit: int) -> list[str]:
    """Every read and write of a relay board with this unit id, channel by channel."""
    return list(map(str, board_lines(board, unit)))


def profile_lines(profile: Profile, unit: int) -> list[Line]:
    """The same as sentences, for a console."""
    reads = planned_reads(profile, unit)
    grade = _grade(profile.grade)
    lines = [
        Line(said.METER(maker=profile.vendor, model=profile.model, phases=profile.phases, grade=grade)),
        Line(said.UNITS_PER_USER(units=profile.units_per_user)),
        Line(_line(profile)),
        EMPTY,
        Line(said.EVERY_CYCLE),
        *_reads(profile, reads.enforcement),
        Line(said.SLOWER),
        *_reads(profile, reads.details),
    ]
    if reads.serial is not None:
        lines += [Line(said.SERIAL), *_reads(profile, [reads.serial])]
    lines += (
        _relay_lines(profile.relay, unit)
        + _clock_lines(profile.clock, unit)
        + _unit_id_lines(profile)
        + _prepaid_lines(profile)
    )
    return [*lines, *_unknown_lines(profile)]


def board_lines(board: RelayBoard, unit: int) -> list[Line]:
    """The same as sentences, for a console."""
    grade = _grade(board.grade)
    lines = [
        Line(said.BOARD(maker=board.vendor, model=board.model, channels=board.channels, grade=grade)),
        Line(said.BOARD_LINE(silence=_silence(board.silence_ms), turnaround=board.turnaround_ms)),
    ]
    relays = [seated_relay(board, unit, channel) for channel in range(board.channels)]
    reads = [_frame(read_request(unit, b.function, b.address, b.count)) for b in relay_blocks(relays[0])]
    lines += [EMPTY, Line(said.ALL_CHANNELS), *(Line(frame, 1) for frame in reads or [said.NOTHING])]
    for channel, relay in enumerate(relays):
        lines += [EMPTY, Line(said.CHANNEL(channel=channel)), *_writes(relay, unit)]
    return lines


# --- reads ---------------------------------------------------------------------------------------------------------


def _line(profile: Profile) -> Reason:
    facts = {
        "longest": profile.longest_read,
        "silence": _silence(profile.silence_ms),
        "turnaround": profile.turnaround_ms,
    }
    return (
        said.LINE_IN_MULTIPLES(**facts, multiple=profile.read_multiple)
        if profile.read_multiple > 1
        else said.LINE(**facts)
    )


def _silence(silence_ms: int) -> Reason:
    return said.SILENCE_MS(silence=silence_ms) if silence_ms else said.SILENCE_CHARACTERS


def _grade(grade: Grade | None) -> Reason:
    return said.GRADE[str(grade)]


def _reads(profile: Profile, reads: Iterable[PlannedRead]) -> list[Line]:
    lines = []
    for read in reads:
        lines += [Line(_frame(read.request), 1), Line(_extent(read), 2)]
        lines += [Line(_quantity(profile, quantity), 2) for quantity in read.block.quantities]
        for sentence, readback in ((said.AS_ORDERED, read.block.order), (said.CONTACT, read.block.contact)):
            if readback is not None:
                closed, opened = _values(readback.closed.value), _values(readback.open.value)
                lines.append(Line(sentence(address=f"{readback.address:04X}", closed=closed, open=opened), 2))
    return lines or [Line(said.NOTHING, 1)]


def _frame(request: Request) -> Reason:
    return PLAIN(text=request.frame.hex(" ").upper())


def _extent(read: PlannedRead) -> Reason:
    block, request = read.block, read.request
    sentence = said.EXTENT_BITS if block.function in READ_BIT_FUNCTIONS else said.EXTENT_REGISTERS
    return sentence(
        unit=request.unit,
        function=block.function,
        count=block.count,
        address=f"{block.address:04X}",
        length=request.reply_length,
    )


def _quantity(profile: Profile, quantity: Quantity) -> Reason:
    kind = str(quantity.type)
    if quantity.registers > 1 and quantity.type is not RegisterType.BCD:
        kind += f" {quantity.word_order}"
    ratio = f" x {quantity.ratio}" if quantity.ratio != "none" else ""
    text = f"{quantity.key:<{NAME_WIDTH}} {quantity.address:04X}  {kind}, x {quantity.scale}{ratio}"
    if quantity.grade is profile.grade:
        return PLAIN(text=text)
    return said.GRADED(quantity=text, grade=_grade(quantity.grade))


def _values(words: Sequence[int]) -> str:
    return " ".join(f"{word:04X}" for word in words)


# --- writes --------------------------------------------------------------------------------------------------------


def _relay_lines(relay: Relay | None, unit: int) -> list[Line]:
    if relay is None:
        return [EMPTY, Line(said.NO_RELAY)]
    held_by = relay.seat.unit if relay.seat else unit
    return [EMPTY, Line(_relay(relay)), *_writes(relay, held_by)]


def _relay(relay: Relay) -> Reason:
    facts: dict[str, object] = {"grade": _grade(relay.grade)}
    if relay.settle_ms:
        facts["settle"] = relay.settle_ms
    if relay.seat is None:
        return (said.RELAY_SETTLES if relay.settle_ms else said.RELAY)(**facts)
    place = {"unit": relay.seat.unit, "channel": relay.seat.channel}
    return (said.RELAY_AT_SETTLES if relay.settle_ms else said.RELAY_AT)(**facts, **place)


def _writes(relay: Relay, unit: int) -> list[Line]:
    lines = []
    for name, write in (
        ("close", relay.write_closed),
        ("open", relay.write_open),
        ("release", relay.write_release),
        ("arm", relay.write_arm),
    ):
        if write is None and name == "arm":
            continue  # few meters can; what most lack needs no line
        requests = unlocked_write(relay, unit, write)
        steps = [said.UNLOCK(frame=_frame(request)) for request in requests[:-1]]
        steps += [_frame(request) for request in requests[-1:]] or [said.CANNOT_BE_TOLD]
        lines += [Line(said.WRITE[name](frame=step), 1) for step in steps]
    return lines


def _clock_lines(clock: MeterClock | None, unit: int) -> list[Line]:
    if clock is None:
        return []
    sentence = said.CLOCK(
        count=len(clock.byte_names) // 2,
        address=f"{clock.address:04X}",
        encoding="BCD" if clock.bcd else said.BINARY,
        function=clock.write_function,
        unit=unit,
        steps=len(clock.unlock),
        bytes=" ".join(clock.byte_names),
    )
    return [Line(sentence)]


def _unit_id_lines(profile: Profile) -> list[Line]:
    register = profile.unit_id
    if register is None:
        return []
    sentence = said.UNIT_ID(
        type=register.type,
        address=f"{register.address:04X}",
        least=register.least,
        greatest=register.greatest,
        function=register.write_function,
        steps=len(register.unlock),
        grade=_grade(register.grade),
    )
    return [Line(sentence)]


def _prepaid_lines(profile: Profile) -> list[Line]:
    if not profile.prepaid:
        return []
    rows = [Line(_quantity(profile, quantity), 1) for quantity in profile.prepaid.values()]
    return [Line(said.PREPAID(grade=_grade(profile.prepaid_grade))), *rows]


def _unknown_lines(profile: Profile) -> list[Line]:
    """What follows from what the profile does not say."""
    relay = profile.relay
    facts = (
        ("power_w" in profile.quantities, said.NO_POWER),
        (relay is None or relay.contact is not None, said.NO_CONTACT),
        (relay is None or relay.order is not None, said.NO_ORDER),
        (profile.serial is not None, said.NO_SERIAL),
        (profile.clock is not None, said.NO_CLOCK),
    )
    missing = [Line(words, 1) for known, words in facts if not known]
    return [Line(said.NOT_IN_PROFILE), *missing] if missing else []
