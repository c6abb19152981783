"""The site plan as the journal tells it: what changed, in pieces, and the plan that all pieces come to. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from protocol.money import PlanBody, SiteHead
from protocol.site_plan import SitePlan

PIECE_BYTES: Final = 512 * 1024
"""Parts in one piece: well within what one line may carry, even where the last part is a box with 200 meters."""

_PARTS: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "buildings": ("building", lambda part: part.building),
    "boxes": ("box", lambda part: part.box),
    "points": ("point", lambda part: part.point),
    "customers": ("customer", lambda part: part.customer),
    "accounts": ("account", lambda part: part.account),
    "wallets": ("wallet", lambda part: part.wallet),
    "tariffs": ("tariff", lambda part: f"{part.tariff}/{part.version}"),
    "profiles": ("profile", lambda part: f"{part.profile}/{part.version}"),
}
"""Section of a plan -> the word for one part of it, and what tells two parts apart."""


@dataclass(slots=True)
class _Told:
    """A plan while it is put together: its head, and each section's parts by what tells them apart."""

    head: SiteHead | None = None
    sections: dict[str, dict[str, Any]] = field(default_factory=lambda: {section: {} for section in _PARTS})


def changes(before: SitePlan | None, after: SitePlan) -> list[PlanBody]:
    """The pieces that lead from one plan to the next; none where nothing changed. From None: the plan whole."""
    old, new = _told(before), _told(after)
    gone = [
        f"{word}/{name}"
        for section, (word, _) in _PARTS.items()
        for name in old.sections[section]
        if name not in new.sections[section]
    ]
    changed = [
        (section, part)
        for section in _PARTS
        for name, part in new.sections[section].items()
        if old.sections[section].get(name) != part
    ]
    head = new.head if new.head != old.head else None
    if before is not None and not (head or gone or changed):
        return []
    first = PlanBody(whole=before is None, site_head=head, gone=tuple(gone))
    pieces = [_piece(parts) for parts in _in_pieces(changed)]
    if not pieces:
        return [first]
    pieces[0] = msgspec.structs.replace(pieces[0], whole=first.whole, site_head=first.site_head, gone=first.gone)
    return pieces


def plan_of(before: SitePlan | None, site: str, pieces: Iterable[PlanBody]) -> SitePlan | None:
    """The plan that pieces come to, told upon one that is known; None where no whole plan is told at all."""
    told = _told(before)
    for piece in pieces:
        if piece.whole:
            told = _Told()
        told.head = piece.site_head or told.head
        for name in piece.gone:
            word, _, rest = name.partition("/")
            for section, (known, _) in _PARTS.items():
                if known == word:
                    told.sections[section].pop(rest, None)
        for section, (_, name_of) in _PARTS.items():
            told.sections[section] |= {name_of(part): part for part in getattr(piece, section)}
    return _plan(site, told)


def _told(plan: SitePlan | None) -> _Told:
    if plan is None:
        return _Told()
    head = SiteHead(
        name=plan.name,
        settings=plan.settings,
        defaults=plan.defaults,
        limits=plan.limits,
        holidays=plan.holidays,
        friendly_hours=plan.friendly_hours,
    )
    sections = {
        section: {name_of(part): part for part in getattr(plan, section)} for section, (_, name_of) in _PARTS.items()
    }
    return _Told(head, sections)


def _plan(site: str, told: _Told) -> SitePlan | None:
    head = told.head
    if head is None:
        return None
    parts = {section: list(found.values()) for section, found in told.sections.items()}
    return SitePlan(
        site=site,
        name=head.name,
        settings=head.settings,
        defaults=head.defaults,
        limits=head.limits,
        buildings=parts["buildings"],
        boxes=parts["boxes"],
        points=parts["points"],
        customers=parts["customers"],
        accounts=parts["accounts"],
        wallets=parts["wallets"],
        tariffs=parts["tariffs"],
        profiles=tuple(parts["profiles"]),
        holidays=head.holidays,
        friendly_hours=head.friendly_hours,
    )


def _in_pieces(parts: Iterable[tuple[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    gathered: list[tuple[str, Any]] = []
    size = 0
    for section, part in parts:
        size += len(msgspec.json.encode(part))
        gathered.append((section, part))
        if size >= PIECE_BYTES:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered


def _piece(parts: Iterable[tuple[str, Any]]) -> PlanBody:
    sections: dict[str, list[Any]] = {}
    for section, part in parts:
        sections.setdefault(section, []).append(part)
    return msgspec.structs.replace(PlanBody(), **{section: tuple(found) for section, found in sections.items()})
