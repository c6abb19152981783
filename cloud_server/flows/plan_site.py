"""Taking in a site plan: judged as a whole, stored as one, and told to every enrolled box that it concerns."""

from collections.abc import Set
from dataclasses import dataclass, replace

from cloud_server.core.fleet import Box, WalletGrant
from cloud_server.core.journaled_plan import changes
from cloud_server.core.mistakes import Mistaken, NotNow
from cloud_server.core.planned_profiles import newest_texts
from cloud_server.core.planned_site import KnownSite, config_of, plan_mistakes
from cloud_server.core.posting_rules import opening as opening_postings
from cloud_server.core.transaction import Transaction
from cloud_server.core.views import AccountState
from cloud_server.flows.centre import Centre
from cloud_server.flows.sign_lines import Asker, add_money_line, issue_command, sign_waiting_grants
from cloud_server.ports import Unit
from protocol.box_config import text_hash
from protocol.commands import Configure
from protocol.config_text import write_config
from protocol.money import AccountBody, CustomerBody, OpeningBody, WalletBody
from protocol.payload import write_payload
from protocol.site_plan import SitePlan, WalletPlan

OPENING_SOURCE = "site plan"
PLAN_TOLD = "plan_told"
"""The fact that the journal has been told the plan whole, so that what changed since is enough."""


@dataclass(frozen=True, slots=True)
class PlanTaken:
    """What came of it: the plan's version, and the boxes for which a new configuration was signed."""

    version: int
    changed: bool
    configured: tuple[str, ...]


def take_plan(centre: Centre, plan: SitePlan, by: str) -> PlanTaken:
    """Take a whole plan; the same plan again changes nothing. Raises Mistaken with every mistake, NotNow."""
    with centre.store.write() as unit:
        before = unit.fleet.plan()
        if before is not None and write_payload(before) == write_payload(plan):
            return PlanTaken(0, changed=False, configured=())
        taken = revise_plan(centre, unit, plan, by)
    centre.journal.append_unmarked()
    for name in taken.configured:
        centre.wake.wake(name)
    centre.live.changed()
    return taken


def revise_plan(centre: Centre, unit: Unit, plan: SitePlan, by: str, gone: Set[str] = frozenset()) -> PlanTaken:
    """The part of it that is one transaction; `gone` are meters that their box has given up. Raises Mistaken, NotNow.

    Lines are signed: the caller appends the journal and wakes the boxes that were configured.
    """
    before = unit.fleet.plan()
    known = unit.fleet.known_site(centre.site.zone, centre.site.currency)
    known = replace(known, boxes={box: meters - gone for box, meters in known.boxes.items()})
    mistakes = plan_mistakes(plan, known)
    if mistakes:
        raise Mistaken(mistakes)
    if centre.journal.fault is not None:
        raise NotNow(f"nothing can be signed: {centre.journal.fault}")
    now_ms = centre.clock.wall_ms()
    version = unit.fleet.put_plan(plan, write_payload(plan).decode(), now_ms, by)
    _tell_plan(centre, unit, plan, before, by)
    _tell_contracts(centre, unit, plan, before, known, by)
    configured = configure_boxes(centre, unit, by)
    _open_balances(centre, unit, plan, known, by)
    detail = {"version": version, "boxes": len(plan.boxes), "points": len(plan.points)}
    unit.audit.append(now_ms, by, "plan_taken", plan.site, detail)
    _note_profiles(unit, plan, before, now_ms, by)
    return PlanTaken(version, changed=True, configured=configured)


def _note_profiles(unit: Unit, plan: SitePlan, before: SitePlan | None, now_ms: int, by: str) -> None:
    """An audit row for each profile of the site's own that came, changed or went."""
    old = {one.profile: one.hash for one in newest_texts(before.profiles)} if before is not None else {}
    new = {one.profile: one for one in newest_texts(plan.profiles)}
    for name, one in new.items():
        if old.get(name) != one.hash:
            unit.audit.append(now_ms, by, "profile_taken", name, {"version": one.version, "hash": one.hash})
    for name in old:
        if name not in new:
            unit.audit.append(now_ms, by, "profile_left_out", name, {})


def configure_boxes(centre: Centre, unit: Unit, by: str) -> tuple[str, ...]:
    """Sign a configuration for every enrolled box whose plan says another than it was told; which they are."""
    plan = unit.fleet.plan()
    assert plan is not None
    known = unit.fleet.known_site(centre.site.zone, centre.site.currency)
    return tuple(
        planned.box
        for planned in sorted(plan.boxes, key=lambda planned: planned.box)
        if (box := unit.fleet.box(planned.box)) is not None
        and box.epoch > 0
        and box.believed
        and _configure(centre, unit, plan, box, known, by)
    )


def _configure(centre: Centre, unit: Unit, plan: SitePlan, box: Box, known: KnownSite, by: str) -> bool:
    """Sign a configuration for an enrolled box if it is another than the one wanted so far."""
    planned = next(planned for planned in plan.boxes if planned.box == box.box)
    text = write_config(config_of(plan, planned, known.account_states, known.closed_wallets))
    config_hash = text_hash(text)
    if config_hash == box.config_hash:
        return False
    version = box.config_version + 1
    now_ms = centre.clock.wall_ms()
    unit.enrolments.add_configuration(box.box, version, config_hash, text, now_ms)
    wanted = replace(box, config_version=version, config_hash=config_hash)
    issue_command(centre, unit, wanted, Configure(config_version=version, config=text, hash=config_hash), by)
    return True


def tell_plan_once(centre: Centre) -> bool:
    """Tell the journal of a plan that is older than its lines for plans; whether there was one. Repeatable."""
    if centre.journal.fault is not None:
        return False
    with centre.store.write() as unit:
        plan = unit.fleet.plan() if unit.site.fact(PLAN_TOLD) is None else None
        if plan is None:
            return False
        _tell_plan(centre, unit, plan, None, "centre")
    centre.journal.append_unmarked()
    return True


def _tell_plan(centre: Centre, unit: Unit, plan: SitePlan, before: SitePlan | None, by: str) -> None:
    """Money lines from which the plan can be put together again where nothing but the journal is left."""
    told = before if unit.site.fact(PLAN_TOLD) is not None else None
    asker = Asker(operator=by, key=f"plan/{centre.new_id()}")
    for body in changes(told, plan):
        add_money_line(centre, unit, "plan", body, asker)
    unit.site.put_fact(PLAN_TOLD, "1")


def _tell_contracts(
    centre: Centre, unit: Unit, plan: SitePlan, before: SitePlan | None, known: KnownSite, by: str
) -> None:
    """A money line for every customer, account and wallet that is new or changed."""
    asker = Asker(operator=by, key=f"plan/{centre.new_id()}")
    customers = {c.customer: c for c in before.customers} if before is not None else {}
    accounts = {a.account: a for a in before.accounts} if before is not None else {}
    wallets = {w.wallet: w for w in before.wallets} if before is not None else {}
    for customer in plan.customers:
        if customers.get(customer.customer) != customer:
            body = CustomerBody(customer=customer.customer, name=customer.name, phones=list(customer.phones))
            add_money_line(centre, unit, "customer", body, asker)
    for account in plan.accounts:
        if accounts.get(account.account) != account:
            state = known.account_states.get(account.account, "in_use")
            opened = AccountBody(account=account.account, customer=account.customer, state=state)
            add_money_line(centre, unit, "account", opened, asker)
    for wallet in plan.wallets:
        if wallets.get(wallet.wallet) != wallet:
            made = WalletBody(
                wallet=wallet.wallet,
                account=wallet.account,
                box=wallet.box,
                meters=wallet.meters,
                state=_wallet_state(wallet.wallet, wallet.account, known),
            )
            add_money_line(centre, unit, "wallet", made, asker)


def _wallet_state(wallet: str, account: str, known: KnownSite) -> AccountState:
    return "closed" if wallet in known.closed_wallets else known.account_states.get(account, "in_use")


def _open_balances(centre: Centre, unit: Unit, plan: SitePlan, known: KnownSite, by: str) -> None:
    """Book the opening balances of wallets that are new, and sign their grants where the box takes commands."""
    new = [w for w in plan.wallets if w.wallet not in known.wallets and w.opening_micro]
    for wallet in new:
        _open_balance(centre, unit, wallet, by)
    for name in sorted({wallet.box for wallet in new}):
        box = unit.fleet.box(name)
        if box is not None and box.takes_commands:
            sign_waiting_grants(centre, unit, box)


def _open_balance(centre: Centre, unit: Unit, wallet: WalletPlan, by: str) -> None:
    now_ms = centre.clock.wall_ms()
    key = f"opening/{wallet.wallet}"
    body = OpeningBody(
        account=wallet.account, wallet=wallet.wallet, amount_micro=wallet.opening_micro, source=OPENING_SOURCE
    )
    add_money_line(centre, unit, "opening", body, Asker(operator=by, key=key))
    unit.ledger.post(
        Transaction(
            kind="opening",
            cause=key,
            effective_at_ms=now_ms,
            posting_day=centre.posting_day(unit, now_ms),
            who=by,
            key=key,
            postings=opening_postings(wallet.account, wallet.opening_micro),
        ),
        now_ms,
    )
    unit.ledger.add_grants(
        [
            WalletGrant(
                grant=centre.new_id(),
                wallet=wallet.wallet,
                box=wallet.box,
                account=wallet.account,
                amount_micro=wallet.opening_micro,
                cause="opening",
                made_at_ms=now_ms,
            )
        ]
    )
