"""Reports of the centre, each from one look at the store. Satisfies `ports.office.Reports`."""

from collections.abc import Callable

from cloud_server.core.accounts import parse_account
from cloud_server.core.report_table import Report, ReportKind, ReportQuery
from cloud_server.flows import (
    report_accounts,
    report_energy,
    report_events,
    report_meters,
    report_money,
    report_proof,
    report_statement,
    report_usage,
)
from cloud_server.flows.centre import Centre
from cloud_server.flows.look import Looker
from cloud_server.flows.past_meters import past_meters
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.report_basis import Basis

_MAKERS: dict[ReportKind, Callable[[Basis], Report | None]] = {
    "sales": report_money.sales,
    "balances": report_money.balances,
    "trial": report_money.trial,
    "rollforward": report_accounts.rollforward,
    "energy": report_energy.energy,
    "income": report_usage.income,
    "compare": report_usage.compare,
    "hours": report_usage.hours,
    "loss": report_usage.loss,
    "vacant": report_usage.vacant,
    "registers": report_meters.registers,
    "lost": report_meters.lost,
    "modes": report_meters.modes,
    "statement": report_statement.statement,
    "proof": report_proof.proof,
    "events": report_events.events,
    "audit": report_events.audit,
}


class ReportOffice:
    """Makes reports."""

    def __init__(self, centre: Centre, alarms: AlarmOffice) -> None:
        self._centre = centre
        self._alarms = alarms
        self._looker = Looker(centre)

    def report(self, query: ReportQuery) -> Report | None:
        """Make it as of now; None where what it is about is not there, or where no site was planned yet."""
        with self._centre.store.read() as unit:
            look = self._looker.look(unit)
            if look is None:
                return None
            basis = Basis(self._centre, unit, look, query, past_meters(self._centre, unit, look.site))
            if query.kind == "alarms":
                return report_events.alarms(basis, self._alarms)
            return _MAKERS[query.kind](basis)

    def operators(self) -> tuple[str, ...]:
        """Names of everybody who has sold."""
        with self._centre.store.read() as unit:
            return tuple(sorted({parse_account(account).about[0] for account in unit.reports.tills()}))
