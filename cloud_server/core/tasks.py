"""What waits for somebody in the office: one list over all steps. Types only."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from protocol.units import Micro, Ms

TaskKind = Literal[
    "second_person", "refund_payable", "closing_refused", "closing_ready", "move_stuck", "meter_change_refused",
    "replacement_noted", "credit_at_centre", "till_open", "day_not_sealed_clean",
]  # fmt: skip
"""`second_person`: a step waits for another's yes; `refund_payable`: credit reclaimed but not yet paid: one key pays
it, one grants it back; `credit_at_centre`: money of a customer that no box was granted and nothing waits for."""

TASK_KINDS: Final[tuple[TaskKind, ...]] = get_args(TaskKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to see to; `task` is the id of the step, `about` the account, box, meter or person it concerns."""

    kind: TaskKind
    task: str
    about: str
    amount_micro: Micro | None
    since_ms: Ms
    why: str | None = None
    """A person's own words or name, or the codes of what boxes refused, parted by ", "."""
    breaches: int = 0
    """Found in the books of a day."""
