"""What each report may be filtered by, and what it shows at first. Tables only."""

from dataclasses import dataclass
from typing import Final, Literal

from cloud_server.core.report_table import ReportKind, Step
from cloud_server.web import event_words
from cloud_server.web import report_words as w
from cloud_server.web.word_tables import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a report may be filtered by. `days` it shows at first; 0: it is of now; -1: from the month's first."""

    days: int
    steps: tuple[Step, ...] = ()
    place: bool = False
    operator: bool = False
    method: bool = False
    account: bool = False
    until: bool = False
    text: Literal["", "alarm", "words"] = ""
    states: tuple[tuple[str, str], ...] = ()


SPECS: Final[dict[ReportKind, Spec]] = {
    "sales": Spec(days=-1, steps=("day", "month", "year"), operator=True, method=True),
    "energy": Spec(days=7, steps=("day", "month", "all"), place=True),
    "income": Spec(days=7, steps=("day", "month", "all"), place=True),
    "compare": Spec(days=-1, place=True),
    "hours": Spec(days=1, place=True),
    "loss": Spec(days=7, steps=("day", "month", "all"), place=True),
    "vacant": Spec(days=7, steps=("all", "day", "month"), place=True),
    "statement": Spec(days=-1, account=True),
    "proof": Spec(days=-1, account=True),
    "balances": Spec(days=0, place=True, states=(("arrears", N_("Arrears")),)),
    "registers": Spec(days=0, place=True),
    "lost": Spec(days=0, place=True),
    "modes": Spec(days=0, place=True, states=tuple(w.STANDING.items())),
    "trial": Spec(days=0, until=True),
    "rollforward": Spec(days=-1),
    "alarms": Spec(days=7, place=True, text="alarm", states=(("standing", N_("Standing")), ("past", N_("Over")))),
    "events": Spec(days=2, place=True, states=tuple(event_words.EVENT_CHOICE.items())),
    "audit": Spec(days=7, operator=True, text="words"),
}
