"""One look at the whole site: everything that rows of pages are made from, read at one moment. Part of `read_books`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloud_server.core.batch_facts import MeterFacts, WalletFacts
from cloud_server.core.fleet import Box
from cloud_server.core.fleet_health import box_is_lost, in_reach
from cloud_server.core.limits import LIVE_FRESH_MS
from cloud_server.core.shown import StandingAlarm
from cloud_server.core.site_map import SiteMap, map_site
from cloud_server.core.territory import narrow_plan
from cloud_server.core.views import AccountState
from cloud_server.flows.centre import Centre
from cloud_server.ports import LiveMeter, Unit
from cloud_server.ports.outbox import ForecastRow
from protocol.site_plan import WalletPlan
from protocol.units import Micro, Ms


@dataclass(frozen=True)
class Look:
    """All that is known now, by id; of a part of the site, where only a part was looked at. Live values are those
    still fresh."""

    now_ms: Ms
    site: SiteMap
    boxes: dict[str, Box]
    listening: frozenset[str]
    waiting: dict[str, int]
    facts: dict[str, tuple[MeterFacts, int | None, Ms | None]]
    wallet_facts: dict[str, WalletFacts]
    account_states: dict[str, AccountState]
    wallet_micro: dict[str, Micro]
    in_flight_micro: dict[str, Micro]
    customer_micro: dict[str, Micro]
    alarms: tuple[StandingAlarm, ...]
    live: dict[str, LiveMeter]
    forecasts: Mapping[str, ForecastRow]
    posted_heard_ms: dict[str, Ms]
    """When the centre posted the newest batch of each box, by its own clock."""

    def live_value(self, meter: str, box: str) -> LiveMeter | None:
        """A meter's live value where nothing newer was posted since. Both by the centre's clock: a box's may leap."""
        live = self.live.get(meter)
        return live if live is not None and live.heard_at_ms >= self.posted_heard_ms.get(box, 0) else None

    def box_lost_since_ms(self, box: Box) -> Ms | None:
        """When a box that is lost was last heard; None for one that is not lost."""
        if not box_is_lost(box, box.box in self.listening, self.now_ms):
            return None
        return box.seen_at_ms or 0

    def in_reach(self, box: str) -> bool:
        """Whether a command would reach the box now."""
        row = self.boxes.get(box)
        return row is not None and in_reach(row, box in self.listening, self.now_ms)

    def facts_of(self, meter: str) -> MeterFacts:
        """What is known of a meter; the facts of one never heard of are those of a new one."""
        found = self.facts.get(meter)
        return found[0] if found is not None else MeterFacts(meter=meter)

    def balance(self, wallet: str, meters: tuple[str, ...], box: str) -> tuple[Micro | None, Ms | None]:
        """A wallet's balance and how old it is: live where that is newer than the last batch, else as booked."""
        row = self.boxes.get(box)
        booked_at_ms = row.posted_at_ms if row is not None else None
        values = [value for meter in meters if (value := self.live_value(meter, box)) is not None]
        newest = max(values, key=lambda value: value.heard_at_ms, default=None)
        if newest is not None and newest.balance_micro is not None:
            return newest.balance_micro, newest.at_ms
        if booked_at_ms is None:
            return None, None
        return self.wallet_micro.get(wallet, 0), booked_at_ms


class Looker:
    """Takes looks; keeps the look-ups of the newest plan, which change seldom, as far as its asker may see it."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._map: tuple[int, SiteMap] | None = None

    def site_map(self, unit: Unit) -> SiteMap | None:
        """Look-ups in what the centre's asker may see of the newest plan, None where no plan was taken yet."""
        version = unit.books.plan_version()
        if version == 0:
            return None
        if self._centre.territory.is_whole:
            return self._centre.plan_memory.site_map(version, lambda: self._made(unit))
        if self._map is None or self._map[0] != version:
            self._map = (version, self._made(unit))
        return self._map[1]

    def _made(self, unit: Unit) -> SiteMap:
        plan = unit.fleet.plan()
        assert plan is not None
        return map_site(narrow_plan(plan, self._centre.territory))

    def look(self, unit: Unit) -> Look | None:
        """Everything at one moment, None where no plan was taken yet."""
        site = self.site_map(unit)
        if site is None:
            return None
        now_ms = self._centre.clock.wall_ms()
        boxes = {box.box: box for box in unit.fleet.boxes()}
        return Look(
            now_ms=now_ms,
            site=site,
            boxes=boxes,
            listening=frozenset(box for box in boxes if self._centre.wake.listening(box)),
            waiting=unit.books.waiting_commands(),
            facts=unit.books.meter_facts(),
            wallet_facts=unit.books.wallet_facts(),
            account_states=unit.books.account_states(),
            wallet_micro=unit.books.balances("wallet"),
            in_flight_micro=unit.books.balances("in_flight"),
            customer_micro=unit.books.balances("customer"),
            alarms=tuple(unit.books.alarms_standing()),
            posted_heard_ms=unit.books.posting_times(),
            forecasts=unit.messages.forecasts(),
            live={m: v for m, v in self._centre.live.values().items() if now_ms - v.heard_at_ms <= LIVE_FRESH_MS},
        )

    def look_at_wallets(self, unit: Unit, wallets: Iterable[WalletPlan]) -> Look | None:
        """Some wallets alone, with their accounts, meters and boxes, without alarms, forecasts and commands that wait:
        what all else of a site costs grows with the site."""
        site, some = self.site_map(unit), list(wallets)
        return self._part(unit, site, some, {wallet.account for wallet in some}) if site is not None else None

    def look_at_account(self, unit: Unit, account: str) -> Look | None:
        """One account alone, with its wallets."""
        site = self.site_map(unit)
        return self._part(unit, site, site.wallets_of.get(account, ()), {account}) if site is not None else None

    def _part(self, unit: Unit, site: SiteMap, some: Sequence[WalletPlan], accounts: set[str]) -> Look:
        now_ms = self._centre.clock.wall_ms()
        names = {wallet.wallet for wallet in some}
        meters = {meter for wallet in some for meter in wallet.meters}
        boxes = {box.box: box for box in unit.fleet.boxes(wallet.box for wallet in some)}
        live = self._centre.live.values()
        return Look(
            now_ms=now_ms,
            site=site,
            boxes=boxes,
            listening=frozenset(box for box in boxes if self._centre.wake.listening(box)),
            waiting={},
            facts=unit.books.facts_of_meters(meters),
            wallet_facts=unit.books.wallet_facts(names),
            account_states=unit.books.account_states(accounts),
            wallet_micro=unit.books.balances("wallet", names),
            in_flight_micro=unit.books.balances("in_flight", names),
            customer_micro=unit.books.balances("customer", accounts),
            alarms=(),
            posted_heard_ms=unit.books.posting_times(boxes),
            forecasts={},
            live={m: live[m] for m in meters if m in live and now_ms - live[m].heard_at_ms <= LIVE_FRESH_MS},
        )

    def look_at_boxes(self, unit: Unit, names: Iterable[str]) -> Look | None:
        """Some boxes alone, without meters, balances and alarms: enough to tell how far a sale has come.

        A look at a whole city takes longer than all else of a sale.
        """
        site = self.site_map(unit)
        if site is None:
            return None
        found = {box.box: box for box in unit.fleet.boxes(names)}
        return Look(
            now_ms=self._centre.clock.wall_ms(),
            site=site,
            boxes=found,
            listening=frozenset(name for name in found if self._centre.wake.listening(name)),
            waiting={},
            facts={},
            wallet_facts={},
            account_states={},
            wallet_micro={},
            in_flight_micro={},
            customer_micro={},
            alarms=(),
            posted_heard_ms={},
            forecasts={},
            live={},
        )
