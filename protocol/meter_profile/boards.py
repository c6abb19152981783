"""Relays outside the meter: a board of contactors on the same bus, and a meter's profile with one of its channels.

Values and their arithmetic only; how a board's text is read is in `board_reading`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocol.meter_profile.values import Grade, Profile, RegisterWrite, Relay, RelayReadback, RelaySeat


@dataclass(frozen=True, slots=True)
class RelayBoard:
    """All that is known of a model of relay board.

    Attributes:
        channels: how many relays it has; channel 0 is described by `relay`, each next one lies directly behind it.
        relay: channel 0.
    """

    name: str
    vendor: str
    model: str
    grade: Grade
    sources: tuple[str, ...]
    silence_ms: int
    turnaround_ms: int
    channels: int
    relay: Relay


def with_external_relay(profile: Profile, board: RelayBoard, unit: int, channel: int) -> Profile:
    """The meter with that channel in the place of any relay of its own. Raises ValueError beyond the last channel."""
    return replace(profile, relay=seated_relay(board, unit, channel))


def seated_relay(board: RelayBoard, unit: int, channel: int) -> Relay:
    """The relay at that channel of the board with that unit id. Raises ValueError beyond the last channel."""
    if not 0 <= channel < board.channels:
        raise ValueError(f"channel {channel} of {board.name}: right would be 0 to {board.channels - 1}")
    relay = board.relay
    return replace(
        relay,
        write_closed=_written(relay.write_closed, channel),
        write_open=_written(relay.write_open, channel),
        order=_read(relay.order, channel),
        contact=_read(relay.contact, channel),
        seat=RelaySeat(unit, channel, board.channels, board.silence_ms, board.turnaround_ms),
    )


def _written(write: RegisterWrite, channel: int) -> RegisterWrite:
    return replace(write, address=write.address + channel * len(write.values))


def _read(read: RelayReadback | None, channel: int) -> RelayReadback | None:
    return replace(read, address=read.address + channel * read.count) if read is not None else None
