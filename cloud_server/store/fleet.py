"""Rows of boxes, meters, customers, accounts and wallets: what a site plan put there, and where each box stands."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from cloud_server.core.fleet import Account, Box, BoxState, Wallet
from cloud_server.core.planned_site import KnownSite
from cloud_server.store import tables_fleet as t
from cloud_server.store.profile_rows import ProfileRows
from cloud_server.store.rows import Rows, pieces
from cloud_server.store.site import SiteRows
from protocol.chain import Head
from protocol.ids import NO_HASH
from protocol.site_plan import BoxPlan, SaleLimits, SitePlan


class FleetRows(Rows):
    """Boxes and what hangs on them."""

    def box(self, box: str) -> Box | None:
        """One box. Inside a writing unit the row is the caller's until the unit ends."""
        query = self._locked(self._of(t.Box).where(t.Box.box == box))
        return self._memory.known(("box", box), lambda: self._found_box(self._one(query)))

    def _found_box(self, row: dict[str, Any] | None) -> Box | None:
        return box_from_row(self._site, row) if row is not None else None

    def boxes(self, names: Iterable[str] | None = None) -> list[Box]:
        """All boxes, or some, in the order of the plan."""
        query = self._of(t.Box).order_by(t.Box.position)
        parts = [query] if names is None else [query.where(self._among(t.Box.box, some)) for some in pieces(names)]
        return [box_from_row(self._site, row) for part in parts for row in self._all(part)]

    def silent_boxes(self, since_ms: int) -> list[str]:
        """Names of boxes that serve and were not heard since an instant."""
        serving = t.Box.state.in_([BoxState.ENROLLED.value, BoxState.QUARANTINED.value])
        silent = t.Box.seen_at_ms.is_null() | (t.Box.seen_at_ms < since_ms)
        return [row[0] for row in self._plain(self._of(t.Box, t.Box.box).where(serving & silent).order_by(t.Box.box))]

    def save_box(self, box: Box) -> None:
        """Write all that changes on a box's row."""
        self._memory.replace(("save_box", self._site), self._save_boxes, {box.box: box})
        self._memory.know(("box", box.box), box)

    def _save_boxes(self, boxes: list[Box]) -> None:
        for box in boxes:
            row = asdict(box)
            for name in ("site", "box", "batch_head", "command_head"):
                row.pop(name)
            row |= {"batch_seq": box.batch_head.seq, "batch_hash": box.batch_head.hash}
            row |= {"command_seq": box.command_head.seq, "command_hash": box.command_head.hash}
            mine = (t.Box.site == self._site) & (t.Box.box == box.box)
            self._run(t.Box.update(row).where(mine))

    def account(self, account: str) -> Account | None:
        """One account with its customer's name. Inside a writing unit the row is the caller's until the unit ends."""
        self._tuples(self._locked(self._of(t.Account, t.Account.account).where(t.Account.account == account)))
        query = (
            self._of(t.Account, t.Account, t.Customer.name.alias("customer_name"))
            .join(t.Customer, on=(t.Customer.site == t.Account.site) & (t.Customer.customer == t.Account.customer))
            .where(t.Account.account == account)
        )
        row = self._one(query)
        return Account(**row) if row is not None else None

    def wallets_of_account(self, account: str) -> list[Wallet]:
        """The wallets of an account, in the order of their ids."""
        return self.wallets_where(t.Wallet.account == account)

    def wallets_of_box(self, box: str) -> list[Wallet]:
        """The wallets that live on a box."""
        return list(self._memory.known(("wallets_of_box", box), lambda: self.wallets_where(t.Wallet.box == box)))

    def wallets_where(self, which: Any) -> list[Wallet]:
        """The wallets that an expression of the query names, in the order of their ids."""
        rows = self._all(self._of(t.Wallet).where(which).order_by(t.Wallet.wallet))
        query = (
            self._of(t.WalletMeter, t.WalletMeter.wallet, t.WalletMeter.meter)
            .join(t.Wallet, on=(t.Wallet.site == t.WalletMeter.site) & (t.Wallet.wallet == t.WalletMeter.wallet))
            .where(which)
        )
        meters: dict[str, list[str]] = {}
        for wallet, meter in self._tuples(query):
            meters.setdefault(wallet, []).append(meter)
        for row in rows:
            row.pop("opening_micro")
        return [Wallet(**row, meters=tuple(sorted(meters.get(row["wallet"], ())))) for row in rows]

    def meters_of_box(self, box: str) -> set[str]:
        """The meters that hang on a box."""
        query = self._of(t.Meter, t.Meter.meter).where(t.Meter.box == box)
        return set(self._memory.known(("meters_of_box", box), lambda: {row[0] for row in self._tuples(query)}))

    def box_of_meter(self, meter: str) -> str | None:
        """The box on which a meter hangs."""
        rows = self._tuples(self._of(t.Meter, t.Meter.box).where(t.Meter.meter == meter))
        return rows[0][0] if rows else None

    # --- the plan -----------------------------------------------------------------------------------------------

    def plan(self) -> SitePlan | None:
        """The newest plan that was taken."""
        row = self._one(self._of(t.Plan, t.Plan.text).order_by(t.Plan.version.desc()))
        return msgspec.json.decode(row["text"], type=SitePlan) if row is not None else None

    def plan_with(self, name: str) -> SitePlan | None:
        """The newest plan in which an id stands."""
        p = t.Plan
        row = self._one(self._of(p, p.text).where(p.text.contains(name)).order_by(p.version.desc()).limit(1))
        return msgspec.json.decode(row["text"], type=SitePlan) if row is not None else None

    def sale_limits(self) -> SaleLimits:
        """The bounds of a sale in the newest plan."""
        text = SiteRows(self._database, self._site).fact("sale_limits")
        return msgspec.json.decode(text, type=SaleLimits) if text is not None else SaleLimits()

    def known_site(self, zone: str, currency: str) -> KnownSite:
        """What binds a new plan."""
        enrolled = {box.box: set[str]() for box in self.boxes() if box.epoch > 0}
        for box, meter in self._tuples(self._of(t.Meter, t.Meter.box, t.Meter.meter)):
            if box in enrolled:
                enrolled[box].add(meter)
        accounts = self._all(self._of(t.Account))
        wallets = self._all(self._of(t.Wallet))
        versions = self._all(self._of(t.TariffVersion))
        return KnownSite(
            site=self._site,
            zone=zone,
            currency=currency,
            boxes=enrolled,
            wallets={w["wallet"]: (w["account"], w["box"], w["opening_micro"]) for w in wallets},
            accounts={a["account"]: a["customer"] for a in accounts},
            account_states={a["account"]: a["state"] for a in accounts},
            closed_wallets=frozenset(w["wallet"] for w in wallets if w["state"] == "closed"),
            tariffs={(v["tariff"], v["version"]): v["hash"] for v in versions},
            profiles=ProfileRows(self._database, self._site).hashes(),
        )

    def customers(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Name and phones of each customer."""
        rows = self._all(self._of(t.Customer))
        return {row["customer"]: (row["name"], tuple(msgspec.json.decode(row["phones"]))) for row in rows}

    def put_plan(self, plan: SitePlan, text: str, made_at_ms: int, made_by: str) -> int:
        """Store a plan that was judged, with all rows that follow from it; its version."""
        newest = self._one(self._of(t.Plan, t.Plan.version).order_by(t.Plan.version.desc()))
        version = 1 + (newest["version"] if newest is not None else 0)
        row = {"version": version, "text": text, "made_at_ms": made_at_ms, "made_by": made_by}
        self._insert(t.Plan, [row])
        limits = msgspec.json.encode(plan.limits).decode()
        SiteRows(self._database, self._site).put_fact("sale_limits", limits)
        self._put_places(plan)
        self._put_contracts(plan)
        ProfileRows(self._database, self._site).keep(plan.profiles, made_at_ms, made_by)
        tariffs = [{"tariff": v.tariff, "version": v.version, "text": v.text, "hash": v.hash} for v in plan.tariffs]
        self._put(t.TariffVersion, ("tariff", "version"), tariffs)
        return version

    def _put_places(self, plan: SitePlan) -> None:
        buildings = [{"building": b.building, "name": b.name, "position": i} for i, b in enumerate(plan.buildings)]
        self._replace(t.Building, buildings)
        known = {box.box for box in self.boxes()}
        planned = {box.box for box in plan.boxes}
        for gone in known - planned:
            self._run(t.Box.delete().where((t.Box.site == self._site) & (t.Box.box == gone)))
        self._insert(t.Box, [_new_box(box, i) for i, box in enumerate(plan.boxes) if box.box not in known])
        for position, box in enumerate(plan.boxes):
            named = {"name": box.name, "building": box.building, "position": position}
            self._run(t.Box.update(named).where((t.Box.site == self._site) & (t.Box.box == box.box)))
        self._replace(
            t.Bus,
            [
                {"bus": bus.bus, "box": box.box, "name": bus.name, "position": i}
                for box in plan.boxes
                for i, bus in enumerate(box.buses)
            ],
        )
        self._replace(
            t.Device,
            [
                {"device": d.device, "box": box.box, "bus": d.bus, "name": d.name}
                for box in plan.boxes
                for d in box.devices
            ],
        )
        points = [
            {"point": p.point, "building": p.building, "number": p.number, "name": p.name, "use": p.use}
            for p in plan.points
        ]
        self._replace(t.Point, points)
        self._replace(t.Meter, [row for box in plan.boxes for row in _meters(box)])

    def _put_contracts(self, plan: SitePlan) -> None:
        customers = [
            {"customer": c.customer, "name": c.name, "phones": msgspec.json.encode(c.phones).decode()}
            for c in plan.customers
        ]
        self._put(t.Customer, ("customer",), customers)
        states = {row["account"]: row["state"] for row in self._all(self._of(t.Account))}
        accounts = [
            {
                "account": a.account,
                "number": a.number,
                "customer": a.customer,
                "state": states.get(a.account, "in_use"),
            }
            for a in plan.accounts
        ]
        self._put(t.Account, ("account",), accounts)
        closed = {row["wallet"]: row["state"] for row in self._all(self._of(t.Wallet))}
        wallets = [
            {
                "wallet": w.wallet,
                "account": w.account,
                "box": w.box,
                "state": closed.get(w.wallet, "in_use"),
                "alarm1_micro": w.alarm1_micro,
                "alarm2_micro": w.alarm2_micro,
                "credit_limit_micro": w.credit_limit_micro,
                "reconnect_micro": w.reconnect_micro,
                "opening_micro": w.opening_micro,
            }
            for w in plan.wallets
        ]
        self._put(t.Wallet, ("wallet",), wallets)
        bindings = [
            {"meter": meter, "wallet": w.wallet}
            for w in plan.wallets
            if closed.get(w.wallet) != "closed"
            for meter in w.meters
        ]
        self._replace(t.WalletMeter, bindings)

    def _replace(self, table: type[t.Table], rows: list[dict[str, Any]]) -> None:
        """Rows that follow from the plan alone and carry no history of their own: all anew."""
        self._run(table.delete().where(table.site == self._site))
        self._insert(table, rows)


def _new_box(box: BoxPlan, position: int) -> Mapping[str, Any]:
    return {
        "box": box.box,
        "name": box.name,
        "building": box.building,
        "position": position,
        "state": BoxState.PLANNED.value,
        "epoch": 0,
        "record_key": None,
        "batch_seq": 0,
        "batch_hash": NO_HASH,
        "posted_seq": 0,
        "command_seq": 0,
        "command_hash": NO_HASH,
        "fetched_seq": 0,
        "applied_seq": 0,
        "config_version": 0,
        "config_hash": "",
        "held_version": 0,
        "key_generation": 0,
        "term_seen": 0,
        "agent": "",
        "seen_at_ms": None,
        "posted_at_ms": None,
        "recovery": False,
    }


def _meters(box: BoxPlan) -> Iterable[dict[str, Any]]:
    for meter in box.meters:
        yield {
            "meter": meter.meter,
            "box": box.box,
            "bus": meter.bus,
            "device": meter.device,
            "point": meter.point,
            "unit": meter.unit,
            "name": meter.name,
            "use": meter.use,
            "tariff": meter.tariff,
            "config": msgspec.json.encode(meter).decode(),
        }


def box_from_row(site: str, row: dict[str, Any]) -> Box:
    """A box from its columns; takes the dictionary apart."""
    row.pop("position")
    batch_head = Head(row.pop("batch_seq"), row.pop("batch_hash"))
    command_head = Head(row.pop("command_seq"), row.pop("command_hash"))
    row["state"] = BoxState(row["state"])
    return Box(site=site, batch_head=batch_head, command_head=command_head, **row)
