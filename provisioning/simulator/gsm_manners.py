"""How the simulated modem behaves, what its network took, and how a telephone puts parts together. Values only."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Manners:
    """How the modem behaves; whoever tests changes it while it runs."""

    pin: str = ""
    echo: bool = True
    registered: bool = True
    signal: int = 21
    network_s: float = 0.0
    """How long the network takes for one part."""
    report_s: float | None = 0.0
    """When a report follows, where one is wanted; None: never."""
    status: int = 0
    stores_reports: bool = True
    """Whether it has a memory for reports, and tells of them by +CDSI; else they come straight, once."""
    no_prompt: int = 0
    """So many times no prompt comes."""
    silent: int = 0
    """So many commands are not answered."""
    refuse: dict[int, int] = field(default_factory=dict)
    """The n-th SUBMIT from the start (from 1) is refused with this +CMS ERROR."""
    lose_answer: int = 0
    """So many SUBMITs are taken by the network, and the modem says nothing."""
    cut_after_take: int = 0
    """So many times power goes after the network took the part, before the answer."""
    cut_before_take: int = 0
    """So many times power goes when Ctrl-Z comes, before the network has it."""
    noise: tuple[str, ...] = ()
    """Unsolicited lines before each answer and each prompt."""


@dataclass(frozen=True)
class Taken:
    """One part that the network took."""

    at_ms: int
    number: int
    recipient: str
    text: str
    reference: int
    of: int
    n: int
    smsc: str


def whole(taken: list[Taken]) -> list[tuple[str, str]]:
    """Parts put together as a telephone does: by sender's reference, each number once."""
    done: list[tuple[str, str]] = []
    open_: dict[tuple[str, int, int], dict[int, str]] = {}
    for part in taken:
        if part.of == 1:
            done.append((part.recipient, part.text))
            continue
        key = (part.recipient, part.reference, part.of)
        parts = open_.setdefault(key, {})
        parts[part.n] = part.text
        if len(parts) == part.of:
            done.append((part.recipient, "".join(parts[n] for n in sorted(parts))))
            del open_[key]
    return done


def set_manners(manners: Manners, changes: dict[str, Any]) -> None:
    """Change manners by name. Raises KeyError for one that there is not."""
    for name, value in changes.items():
        if name not in Manners.__dataclass_fields__:
            raise KeyError(name)
        setattr(manners, name, {int(k): v for k, v in value.items()} if name == "refuse" else value)
