"""What a profile would do, frame by frame: for whoever writes or proves one. Nothing is sent.

The frames are those that the bus sends, made by the same `planned_reads`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from protocol.meter_profile.blocks import relay_blocks
from protocol.meter_profile.boards import RelayBoard, seated_relay
from protocol.meter_profile.frames import READ_BIT_FUNCTIONS, Request, read_request
from protocol.meter_profile.questions import PlannedRead, planned_reads, unlocked_write
from protocol.meter_profile.values import MeterClock, Profile, Quantity, RegisterType, Relay

INDENT = "    "
NAME_WIDTH = 28


def describe_profile(profile: Profile, unit: int) -> list[str]:
    """Every read and write of a meter with this unit id, in the order in which they matter; lines for a terminal."""
    reads = planned_reads(profile, unit)
    lines = [
        f"{profile.vendor} {profile.model}: {profile.phases} phase(s), grade {profile.grade}",
        f"unit ids of one user: {profile.units_per_user}",
        f"line: at most {profile.longest_read} registers a read, {_multiple(profile)}"
        f"silence {_silence(profile.silence_ms)}, answer begins within {profile.turnaround_ms} ms",
        "",
        "read in every cycle:",
        *_reads(profile, reads.enforcement),
        "read at a slower pace:",
        *_reads(profile, reads.details),
    ]
    if reads.serial is not None:
        lines += ["read at start, after an absence and daily (serial number):", *_reads(profile, [reads.serial])]
    lines += (
        _relay_lines(profile.relay, unit)
        + _clock_lines(profile.clock, unit)
        + _unit_id_lines(profile)
        + _prepaid_lines(profile)
    )
    return [*lines, *_unknown_lines(profile)]


def describe_board(board: RelayBoard, unit: int) -> list[str]:
    """Every read and write of a relay board with this unit id, channel by channel."""
    lines = [
        f"{board.vendor} {board.model}: relay board with {board.channels} channel(s), grade {board.grade}",
        f"line: silence {_silence(board.silence_ms)}, answer begins within {board.turnaround_ms} ms",
    ]
    relays = [seated_relay(board, unit, channel) for channel in range(board.channels)]
    reads = [_frame(read_request(unit, b.function, b.address, b.count)) for b in relay_blocks(relays[0])]
    lines += ["", "read for all channels, with each meter:", *(INDENT + frame for frame in reads or ["nothing"])]
    for channel, relay in enumerate(relays):
        lines += ["", f"channel {channel}", *_writes(relay, unit)]
    return lines


# --- reads ---------------------------------------------------------------------------------------------------------


def _multiple(profile: Profile) -> str:
    return f"in multiples of {profile.read_multiple}, " if profile.read_multiple > 1 else ""


def _silence(silence_ms: int) -> str:
    return f"{silence_ms} ms" if silence_ms else "3.5 characters"


def _reads(profile: Profile, reads: Iterable[PlannedRead]) -> list[str]:
    lines = []
    for read in reads:
        lines += [f"{INDENT}{_frame(read.request)}", f"{2 * INDENT}{_extent(read)}"]
        lines += [2 * INDENT + _quantity(profile, quantity) for quantity in read.block.quantities]
        for name, readback in (("relay, as ordered", read.block.order), ("relay, contact", read.block.contact)):
            if readback is not None:
                lines.append(
                    f"{2 * INDENT}{name:<{NAME_WIDTH}} {readback.address:04X}  "
                    f"closed = {_values(readback.closed.value)}, open = {_values(readback.open.value)}"
                )
    return lines or [f"{INDENT}nothing"]


def _frame(request: Request) -> str:
    return request.frame.hex(" ").upper()


def _extent(read: PlannedRead) -> str:
    block, request = read.block, read.request
    what = "bit(s)" if block.function in READ_BIT_FUNCTIONS else "register(s)"
    whom = f"unit {request.unit}, function {block.function}"
    return f"{whom}, {block.count} {what} from {block.address:04X}; {request.reply_length} bytes come back"


def _quantity(profile: Profile, quantity: Quantity) -> str:
    kind = str(quantity.type)
    if quantity.registers > 1 and quantity.type is not RegisterType.BCD:
        kind += f" {quantity.word_order}"
    ratio = f" x {quantity.ratio}" if quantity.ratio != "none" else ""
    grade = f", {quantity.grade}" if quantity.grade is not profile.grade else ""
    return f"{quantity.key:<{NAME_WIDTH}} {quantity.address:04X}  {kind}, x {quantity.scale}{ratio}{grade}"


def _values(words: Sequence[int]) -> str:
    return " ".join(f"{word:04X}" for word in words)


# --- writes --------------------------------------------------------------------------------------------------------


def _relay_lines(relay: Relay | None, unit: int) -> list[str]:
    if relay is None:
        return ["", "relay: none; this profile switches nothing"]
    settle = f", looked at {relay.settle_ms} ms after the write" if relay.settle_ms else ""
    where = f" at unit {relay.seat.unit}, channel {relay.seat.channel}" if relay.seat else ""
    held_by = relay.seat.unit if relay.seat else unit
    return ["", f"relay{where}, grade {relay.grade}{settle}", *_writes(relay, held_by)]


def _writes(relay: Relay, unit: int) -> list[str]:
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
        steps = [f"unlock, {_frame(request)}" for request in requests[:-1]]
        steps += [_frame(request) for request in requests[-1:]] or ["cannot be told"]
        lines += [f"{INDENT}{name:<8} {step}" for step in steps]
    return lines


def _clock_lines(clock: MeterClock | None, unit: int) -> list[str]:
    if clock is None:
        return []
    count = len(clock.byte_names) // 2
    encoding = "BCD" if clock.bcd else "binary"
    return [
        f"clock: {count} register(s) at {clock.address:04X}, {encoding}, function {clock.write_function} "
        f"of unit {unit}, {len(clock.unlock)} step(s) to unlock; bytes: {' '.join(clock.byte_names)}"
    ]


def _unit_id_lines(profile: Profile) -> list[str]:
    register = profile.unit_id
    if register is None:
        return []
    return [
        f"unit id: {register.type} at {register.address:04X}, {register.least} to {register.greatest}, function "
        f"{register.write_function}, {len(register.unlock)} step(s) to unlock, grade {register.grade}"
    ]


def _prepaid_lines(profile: Profile) -> list[str]:
    if not profile.prepaid:
        return []
    rows = [INDENT + _quantity(profile, quantity) for quantity in profile.prepaid.values()]
    return [f"prepaid block of the meter, grade {profile.prepaid_grade}:", *rows]


def _unknown_lines(profile: Profile) -> list[str]:
    """What follows from what the profile does not say."""
    relay = profile.relay
    facts = (
        ("power_w" in profile.quantities, "power: estimated from the slope of energy, and no overload"),
        (relay is None or relay.contact is not None, "contact: the relay is seen by its order alone"),
        (relay is None or relay.order is not None, "order: what the relay was told cannot be read back"),
        (profile.serial is not None, "serial number: an exchanged meter is not noticed by it"),
        (profile.clock is not None, "clock: the meter's clock is never set"),
    )
    missing = [f"{INDENT}{words}" for known, words in facts if not known]
    return ["not in the profile:", *missing] if missing else []
