"""Steps that want two people: what a request that waits for its checker keeps, and when one is wanted. Pure."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from cloud_server.core.roles import Role
from protocol.units import Micro, Ms

RequestKind = Literal[
    "refund",
    "reversal",
    "adjustment",
    "closing",
    "closing_again",
    "settling",
    "retirement",
    "meters",
    "operation",
    "open_selling",
    "history",
]
REQUEST_KINDS: Final[tuple[RequestKind, ...]] = get_args(RequestKind)
RequestState = Literal["waits", "done", "rejected", "withdrawn"]
CONFIRMING_STATE: Final = "confirming"
"""What a step is answered that waits for its second person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Who asked, as they were then."""

    id: str
    name: str
    display_name: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondRequest:
    """A step that was asked for and waits for a second person, or how that ended.

    `about` is the account, box or meter it concerns; `contents` the order itself as JSON; `answer` what the step was
    answered when it was done, as JSON.
    """

    request: str
    kind: RequestKind
    about: str
    amount_micro: Micro | None
    contents: str
    maker: Maker
    key: str
    reason: str
    asked_at_ms: Ms
    state: RequestState = "waits"
    checker: str | None = None
    checked_at_ms: Ms | None = None
    note: str | None = None
    answer: str | None = None


def above(amount_micro: Micro, alone_max_micro: Micro) -> bool:
    """Whether a sum, plus or minus, is more than one person decides."""
    return abs(amount_micro) > alone_max_micro
