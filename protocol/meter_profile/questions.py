"""What is asked of a meter with a profile: every read as a block and its question, and the writes that move its relay.

Asks nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.meter_profile.blocks import Block, plan_blocks
from protocol.meter_profile.frames import Request, read_request, vendor_request, write_request
from protocol.meter_profile.values import Profile, RegisterWrite, Relay, UnlockStep, VendorCall


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """A block and the question that reads it."""

    block: Block
    request: Request


@dataclass(frozen=True, slots=True)
class PlannedReads:
    """All reads of one meter, ready to be sent."""

    enforcement: tuple[PlannedRead, ...]
    details: tuple[PlannedRead, ...]
    serial: PlannedRead | None
    clock: PlannedRead | None
    prepaid: tuple[PlannedRead, ...]


def planned_reads(profile: Profile, unit: int) -> PlannedReads:
    """Every read of a meter with this unit id; the profile was checked when it was read."""
    plan = plan_blocks(profile)

    def planned(block: Block) -> PlannedRead:
        asked = unit if block.unit is None else block.unit
        return PlannedRead(block, read_request(asked, block.function, block.address, block.count))

    return PlannedReads(
        enforcement=tuple(planned(block) for block in plan.enforcement),
        details=tuple(planned(block) for block in plan.details),
        serial=planned(plan.serial) if plan.serial else None,
        clock=planned(plan.clock) if plan.clock else None,
        prepaid=tuple(planned(block) for block in plan.prepaid),
    )


def unlocked_write(relay: Relay, unit: int, write: RegisterWrite | None) -> tuple[Request, ...]:
    """Unlock sequence and write to the unit that holds the relay; empty where there is no such write."""
    return tuple(unlock_request(step, unit) for step in (*relay.unlock, write)) if write is not None else ()


def unlock_request(step: UnlockStep, unit: int) -> Request:
    """One step of an unlock sequence as a question."""
    if isinstance(step, VendorCall):
        return vendor_request(unit, step.function, step.send, step.answer)
    return write_request(unit, step.function, step.address, step.values)
