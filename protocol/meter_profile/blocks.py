"""Which registers are read together: as few requests as possible, and each of a meter with a length of its own.

RTU answers carry no address: two blocks of one meter that read equally many registers could be taken for each
other when one comes late. So the length is made the tag. Pure.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from protocol.meter_profile import reasons
from protocol.meter_profile.frames import READ_BIT_FUNCTIONS
from protocol.meter_profile.values import Area, MeterClock, Profile, Quantity, Relay, RelayReadback, RelaySeat
from protocol.reason import Reason

WORTHWHILE_GAP = 24
"""Registers that may be read without need rather than ask twice. A second request costs its 8 characters, the frame of
its answer 5, two silences 7, and a turnaround, with real meters some 25 ms: together the time of about 48 characters
at 9600 baud, which is 24 registers. And what is read at once belongs together."""

ENFORCEMENT = "enforcement"
DETAIL = "detail"
SERIAL = "serial"
CLOCK = "clock"
PREPAID = "prepaid"
SELDOM = (CLOCK, PREPAID)
ACCOUNT_KEYS = ("switch", "alarm1_micro", "alarm2_micro", "balance_micro", "purchase_amount_micro", "purchase_count")
"""What of a meter's own account is read, prices beside it: what a last guard is kept from."""


@dataclass(frozen=True, slots=True)
class Block:
    """One read.

    Attributes:
        name: `enforcement`, `detail_1`, ...; several reads may share the name `enforcement`.
        quantities: those that lie wholly in it; rates among them by their reported key.
        unit: whom it asks, if not the meter: the board that holds its relay.
        order, contact: the relay's read-back, where it lies in it.
    """

    name: str
    function: int
    address: int
    count: int
    quantities: tuple[Quantity, ...] = ()
    order: RelayReadback | None = None
    contact: RelayReadback | None = None
    unit: int | None = None

    @property
    def last(self) -> int:
        """The last address."""
        return self.address + self.count - 1

    @property
    def tag(self) -> tuple[int, int]:
        """What tells its answer from that of the meter's other blocks: function and bytes of data."""
        if self.function in READ_BIT_FUNCTIONS:
            return self.function, (self.count + 7) // 8
        return self.function, 2 * self.count


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """All reads of a meter. `mistakes` are (key, value, reason) of a profile that cannot be read safely."""

    enforcement: tuple[Block, ...]
    details: tuple[Block, ...]
    serial: Block | None
    clock: Block | None
    prepaid: tuple[Block, ...]
    mistakes: tuple[tuple[str, str, Reason], ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All of them."""
        seldom = [block for block in (self.serial, self.clock) if block is not None]
        return (*self.enforcement, *self.details, *seldom, *self.prepaid)


@dataclass(slots=True)
class _Lengths:
    """Gives each block a tag that no other block of the meter has."""

    profile: Profile
    used: dict[tuple[int | None, tuple[int, int]], Block] = field(default_factory=dict)
    mistakes: list[tuple[str, str, Reason]] = field(default_factory=list)

    def give(self, block: Block) -> Block:
        """The block, made longer where its tag is taken and an area allows it."""
        for candidate in _longer(block, self.profile):
            if (candidate.unit, candidate.tag) not in self.used:
                self.used[candidate.unit, candidate.tag] = candidate
                return candidate
        other = self.used.get((block.unit, block.tag))
        if block.name in SELDOM:
            # The late window alone tells its answers apart: asked once a day, or by a guard.
            multiple = self.profile.read_multiple
            return replace(block, count=-(-block.count // multiple) * multiple)
        if other is None:
            reason = reasons.NO_MULTIPLE(multiple=self.profile.read_multiple)
        else:
            reason = reasons.LIKE_ANOTHER(other=_where(other))
        self.mistakes.append(("areas", _where(block), reason))
        return block


def plan_blocks(profile: Profile) -> BlockPlan:
    """Every read that a profile asks for."""
    enforced = [block for block in _singles(profile) if block.name == ENFORCEMENT]
    detailed = [block for block in _singles(profile) if block.name == DETAIL]
    blocks = _coalesced(enforced, profile)
    blocks += [
        replace(block, name=f"{DETAIL}_{number}") for number, block in enumerate(_coalesced(detailed, profile), 1)
    ]
    blocks += [_serial_block(profile)] if profile.serial else []
    blocks += [_clock_block(profile.clock)] if profile.clock else []
    blocks += _coalesced(list(_account(profile)), profile)
    lengths = _Lengths(profile)
    # What cannot be made longer chooses first, then what every cycle reads; last what is seldom read.
    blocks.sort(key=lambda each: (each.name in SELDOM, not _is_rigid(each, profile)))
    tagged = [lengths.give(block) for block in blocks]
    enforcement = [block for block in tagged if block.name == ENFORCEMENT]
    enforcement.sort(key=lambda block: (block.unit is not None, profile.energy not in block.quantities))
    return BlockPlan(
        enforcement=tuple(enforcement),
        details=tuple(block for block in tagged if block.name.startswith(DETAIL)),
        serial=next((block for block in tagged if block.name == SERIAL), None),
        clock=next((block for block in tagged if block.name == CLOCK), None),
        prepaid=tuple(block for block in tagged if block.name == PREPAID),
        mistakes=tuple(lengths.mistakes),
    )


def with_rates(profile: Profile) -> Profile:
    """The profile with its registers by rate read together with the total; itself where that cannot be read safely."""
    rates = tuple(rate.key for rate in profile.rates.values() if rate.key not in profile.enforcement)
    together = replace(profile, enforcement=(*profile.enforcement, *rates))
    return profile if not rates or plan_blocks(together).mistakes else together


def _singles(profile: Profile) -> Iterable[Block]:
    """One block for each thing that is read, before any are joined."""
    if profile.relay is not None:
        yield from relay_blocks(profile.relay)
    for quantity in (profile.energy, *profile.quantities.values(), *profile.rates.values()):
        name = ENFORCEMENT if quantity.key in profile.enforcement else DETAIL
        yield Block(name, quantity.function, quantity.address, quantity.registers, (quantity,))


def relay_blocks(relay: Relay) -> Iterable[Block]:
    """What tells of a relay, each read by itself."""
    if relay.contact is not None:
        yield replace(_relay_block(relay.contact, relay.seat), contact=relay.contact)
    if relay.order is not None:
        yield replace(_relay_block(relay.order, relay.seat), order=relay.order)


def _relay_block(read: RelayReadback, seat: RelaySeat | None) -> Block:
    if seat is None:
        return Block(ENFORCEMENT, read.function, read.address, read.count)
    first = read.address - seat.channel * read.count
    return Block(ENFORCEMENT, read.function, first, seat.channels * read.count, unit=seat.unit)


def _serial_block(profile: Profile) -> Block:
    serial = profile.serial
    assert serial is not None
    return Block(SERIAL, serial.function, serial.address, serial.registers)


def _clock_block(clock: MeterClock) -> Block:
    return Block(CLOCK, clock.function, clock.address, len(clock.byte_names) // 2)


def _account(profile: Profile) -> Iterable[Block]:
    """The meter's own account, where it can be topped up; else nobody asks for it."""
    if "purchase_amount_micro" not in profile.prepaid:
        return
    for key, quantity in profile.prepaid.items():
        if key in ACCOUNT_KEYS or key.startswith("price_"):
            yield Block(PREPAID, quantity.function, quantity.address, quantity.registers, (quantity,))


def _coalesced(blocks: Sequence[Block], profile: Profile) -> list[Block]:
    """Neighbours joined, over gaps too where the maker lists the registers between."""
    joined = [block for block in blocks if block.unit is not None]
    own = [block for block in blocks if block.unit is None]
    ordered = sorted(own, key=lambda block: (block.function, block.address, block.last))
    for _, group in itertools.groupby(ordered, key=lambda block: block.function):
        current: Block | None = None
        for block in group:
            if current is None:
                current = block
            elif _may_join(current, block, profile):
                current = _join(current, block)
            else:
                joined.append(current)
                current = block
        joined += [current] if current else []
    return joined


def _may_join(block: Block, after: Block, profile: Profile) -> bool:
    gap = after.address - block.last - 1
    last = max(block.last, after.last)
    fits = last - block.address + 1 <= profile.longest_read
    one_of_each = not (block.order and after.order) and not (block.contact and after.contact)
    return fits and one_of_each and (gap <= 0 or (gap <= WORTHWHILE_GAP and _listed(block, last, profile.areas)))


def _listed(block: Block, last: int, areas: Iterable[Area]) -> bool:
    return any(area.holds(block.function, block.address, last) for area in areas)


def _join(block: Block, after: Block) -> Block:
    return replace(
        block,
        count=max(block.last, after.last) - block.address + 1,
        quantities=block.quantities + after.quantities,
        order=block.order or after.order,
        contact=block.contact or after.contact,
    )


def _longer(block: Block, profile: Profile) -> Iterable[Block]:
    """The block itself, then longer ones that stay in an area, shortest first."""
    if block.function in READ_BIT_FUNCTIONS or block.unit is not None:
        yield block
        return
    if block.count % profile.read_multiple == 0:
        yield block
    for count in range(block.count + 1, profile.longest_read + 1):
        if count % profile.read_multiple:
            continue
        for address in range(block.address, block.address + block.count - count - 1, -1):
            if address >= 0 and any(area.holds(block.function, address, address + count - 1) for area in profile.areas):
                yield replace(block, address=address, count=count)


def _is_rigid(block: Block, profile: Profile) -> bool:
    return len(list(itertools.islice(_longer(block, profile), 2))) < 2


def _where(block: Block) -> str:
    return f"{block.name} at {block.address:#06x}, {block.count} register(s), function {block.function}"
