"""Permissions by building: the part of a site that a person or a token may see, as a value, and a plan narrowed to it.
Pure. Who has which limit is stored; where it is asked is `flows/bounds`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from protocol.ids import Id
from protocol.site_plan import BoxPlan, SitePlan, WalletPlan


@dataclass(frozen=True, slots=True)
class Territory:
    """The buildings that somebody may see; None: the whole site. A building that is in no plan any more gives nothing,
    so that a limit never turns into none by itself."""

    buildings: frozenset[Id] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether there is no limit."""
        return self.buildings is None

    def holds(self, building: Id) -> bool:
        """Whether a building is within."""
        return self.buildings is None or building in self.buildings


WHOLE_SITE: Final = Territory()


def territory_from_text(text: str | None) -> Territory:
    """As stored: ids with spaces between; None is the whole site, and an empty text no building at all."""
    return WHOLE_SITE if text is None else Territory(frozenset(text.split()))


def territory_text(territory: Territory) -> str | None:
    """For the store."""
    return None if territory.buildings is None else " ".join(sorted(territory.buildings))


def narrow_plan(plan: SitePlan, territory: Territory) -> SitePlan:
    """The plan with what is within alone: for looking things up, never to be taken as a plan.

    A supply point counts by its building. A box of the next building that feeds a point within is kept with that
    point's meter alone. An account is kept where any of its wallets is, with those wallets.
    """
    if territory.is_whole:
        return plan
    points = [point for point in plan.points if territory.holds(point.building)]
    own_points = {point.point for point in points}
    boxes = [_narrow_box(box, own_points) for box in plan.boxes]
    kept = [box for box in boxes if territory.holds(box.building) or box.meters]
    own_meters = {meter.meter for box in kept for meter in box.meters}
    own_boxes = {box.box for box in kept if territory.holds(box.building)}
    wallets = [
        msgspec.structs.replace(wallet, meters=[meter for meter in wallet.meters if meter in own_meters])
        for wallet in plan.wallets
        if _is_own(wallet, own_meters, own_boxes)
    ]
    accounts = {wallet.account for wallet in wallets}
    customers = {one.customer for one in plan.accounts if one.account in accounts}
    seen = {box.building for box in kept} | {point.building for point in points}
    return msgspec.structs.replace(
        plan,
        buildings=[one for one in plan.buildings if one.building in seen or territory.holds(one.building)],
        boxes=kept,
        points=points,
        wallets=wallets,
        accounts=[one for one in plan.accounts if one.account in accounts],
        customers=[one for one in plan.customers if one.customer in customers],
    )


def shared_accounts(plan: SitePlan, territory: Territory) -> frozenset[Id]:
    """Accounts of which a part is within and a part is not: they may be looked at, and their money is left alone."""
    if territory.is_whole:
        return frozenset()
    narrowed = narrow_plan(plan, territory)
    whole, within = _hangs_on(plan.wallets), _hangs_on(narrowed.wallets)
    return frozenset(account for account, parts in within.items() if whole[account] != parts)


def _hangs_on(wallets: Iterable[WalletPlan]) -> dict[Id, dict[Id, tuple[Id, ...]]]:
    """The wallets of each account with the meters that they feed."""
    found: dict[Id, dict[Id, tuple[Id, ...]]] = {}
    for wallet in wallets:
        found.setdefault(wallet.account, {})[wallet.wallet] = tuple(wallet.meters)
    return found


def _narrow_box(box: BoxPlan, points: set[Id]) -> BoxPlan:
    return msgspec.structs.replace(box, meters=[meter for meter in box.meters if meter.point in points])


def _is_own(wallet: WalletPlan, meters: set[Id], boxes: set[Id]) -> bool:
    """By the meters that it feeds; one that feeds none any more, by its box."""
    return any(meter in meters for meter in wallet.meters) if wallet.meters else wallet.box in boxes
