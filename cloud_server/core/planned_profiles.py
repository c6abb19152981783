"""The site's own meter profiles in a plan: judged by the code that boxes judge them by, and what a version may not do.

Pure. What a text may say is `protocol/meter_profile`'s business.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from cloud_server.core.mistakes import Mistake, mistake_at
from protocol.box_config import ProfileText, text_hash
from protocol.known_profiles import BOARD_NAMES, PROFILE_NAMES
from protocol.meter_profile.checking import check_profile, is_board
from protocol.meter_profile.reasons import NAME
from protocol.meter_profile.table import is_plain_name
from protocol.reason import Reason
from protocol.site_plan import SitePlan
from protocol.units import Ms

PACKAGED: Final = Reason("comes with every box under this name; right would be another name")
NOT_ITS_HASH: Final = Reason("is not the hash of its text")
TEXT_KEPT: Final = Reason("a version never changes its text; give the new text the next version")
BEHIND: Final = Reason("version %(newest)s was taken already; right would be a version above")
IN_USE: Final = Reason("is the profile of %(meters)s and cannot be left out")
A_BOARD: Final = Reason("meter %(meter)s names it, and it describes a relay board and no meter")
NO_BOARD: Final = Reason("meter %(meter)s has its relay on it, and it describes a meter and no relay board")
REASONS: Final = (PACKAGED, NOT_ITS_HASH, TEXT_KEPT, BEHIND, IN_USE, A_BOARD, NO_BOARD)
METERS_NAMED_MAX: Final = 5
"""So many meters are named where a profile is in use; more would hide the point."""


@dataclass(frozen=True, slots=True)
class SavedProfile:
    """One version of a site's own profile as it was taken: its exact text, when, and by whom."""

    profile: str
    version: int
    text: str
    hash: str
    saved_at_ms: Ms
    saved_by: str


def newest_texts(profiles: Sequence[ProfileText]) -> tuple[ProfileText, ...]:
    """Of each profile the newest version: what boxes are told."""
    newest = {one.profile: one for one in sorted(profiles, key=lambda one: one.version)}
    return tuple(newest[name] for name in dict.fromkeys(one.profile for one in profiles))


def users_of(plan: SitePlan, profile: str) -> list[str]:
    """The names of the meters that are read by a profile, or switched by it where it is a relay board."""
    return [
        meter.name
        for box in plan.boxes
        for meter in box.meters
        if meter.profile == profile or (meter.relay is not None and meter.relay.board == profile)
    ]


def with_profile(plan: SitePlan, profile: str, version: int, text: str) -> SitePlan:
    """The plan with this text as the profile's newest version; older ones stay in the books, boxes need them not."""
    others = [one for one in plan.profiles if one.profile != profile]
    added = ProfileText(profile=profile, version=version, text=text, hash=text_hash(text))
    return msgspec.structs.replace(plan, profiles=(*others, added))


def without_profile(plan: SitePlan, profile: str) -> SitePlan:
    """The plan without a profile."""
    return msgspec.structs.replace(plan, profiles=tuple(one for one in plan.profiles if one.profile != profile))


def profile_mistakes(plan: SitePlan, known: Mapping[tuple[str, int], str]) -> Iterable[Mistake]:
    """Every mistake in the plan's own profiles; `known` are versions taken before with the hash of their text.

    A text that was taken before is not judged again: a stricter check must not stand in the way of other changes.
    """
    for one in plan.profiles:
        place = f"profile {one.profile} version {one.version}"
        before = known.get((one.profile, one.version))
        if before == one.hash == text_hash(one.text):
            continue
        if one.profile in PROFILE_NAMES or one.profile in BOARD_NAMES:
            yield mistake_at(place, one.profile, PACKAGED)
        if not is_plain_name(one.profile):
            yield mistake_at(place, one.profile, NAME)
        if text_hash(one.text) != one.hash:
            yield mistake_at(place, one.hash, NOT_ITS_HASH)
        if before is not None and before != one.hash:
            yield mistake_at(place, one.hash, TEXT_KEPT)
        for fault in check_profile(one.text, one.profile).mistakes:
            yield mistake_at(f"{place}, {fault.key}", fault.value, fault.reason)
    yield from _kept_mistakes(plan, known)
    yield from _kind_mistakes(plan)


def _kept_mistakes(plan: SitePlan, known: Mapping[tuple[str, int], str]) -> Iterable[Mistake]:
    """An older plan that is sent again must not quietly set a profile back, or leave out what a meter needs."""
    planned = {one.profile: one.version for one in newest_texts(plan.profiles)}
    taken = {name: max(version for other, version in known if other == name) for name in {name for name, _ in known}}
    for name, newest in sorted(taken.items()):
        if name in planned and planned[name] < newest:
            yield mistake_at(f"profile {name}", str(planned[name]), BEHIND(newest=newest))
        users = users_of(plan, name) if name not in planned else []
        if users:
            yield mistake_at(f"profile {name}", "", IN_USE(meters=_listed(users)))


def _kind_mistakes(plan: SitePlan) -> Iterable[Mistake]:
    boards = {one.profile: is_board(one.text) for one in newest_texts(plan.profiles)}
    for box in plan.boxes:
        for meter in box.meters:
            if boards.get(meter.profile) is True:
                yield mistake_at(f"profile {meter.profile}", "", A_BOARD(meter=meter.name))
            if meter.relay is not None and boards.get(meter.relay.board) is False:
                yield mistake_at(f"profile {meter.relay.board}", "", NO_BOARD(meter=meter.name))


def _listed(names: Sequence[str]) -> str:
    more = f" +{len(names) - METERS_NAMED_MAX}" if len(names) > METERS_NAMED_MAX else ""
    return ", ".join(names[:METERS_NAMED_MAX]) + more
