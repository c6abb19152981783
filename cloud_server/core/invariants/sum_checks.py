"""Checks of what is kept beside the records: energy by day and month against the intervals, money by day and account
against the postings. Pure."""

from collections.abc import Iterator

from cloud_server.core.energy_sums import EnergySums, by_month
from cloud_server.core.invariants.evidence import CheckResult, Evidence, KeptEnergy, KeptLedgerDay
from protocol.units import Micro

_NEVER = "energy was never added up by day and month: run `cloud-server setup`"


def energy_sums_follow(evidence: Evidence) -> CheckResult:
    """Beside 11. The energy that reports show by day and month is the sum of the intervals, meter by meter."""
    breaches = [] if evidence.energy_zone() is not None else [_NEVER]
    meters, intervals = 0, 0
    for kept in evidence.energy():
        meters += 1
        intervals += kept.intervals
        breaches += _differences(kept)
    looked = f"{intervals} intervals of {meters} meters"
    return CheckResult("11 sums of energy follow from intervals", looked, tuple(breaches))


def _differences(kept: KeptEnergy) -> Iterator[str]:
    """By month, so that one wrong day is one breach and a month that was never kept is one too."""
    by_days = by_month(kept.days)
    right, months = by_month(kept.summed), sorted({key.period[:7] for key in kept.summed | kept.days | kept.months})
    for month in months:
        wrong_days = {
            key.period
            for key in kept.summed.keys() | kept.days.keys()
            if key.period.startswith(month) and kept.summed.get(key) != kept.days.get(key)
        }
        wrong_month = _of(right, month) != _of(kept.months, month)
        if wrong_days or wrong_month:
            parts = (_total(right, month), _total(by_days, month), _total(kept.months, month))
            said = "intervals {} Wh, days {} Wh, month {} Wh".format(*parts)
            which = f"; days {', '.join(sorted(wrong_days))}" if wrong_days else ""
            yield f"meter {kept.meter} {month}: {said}{which}"


def _of(sums: EnergySums, month: str) -> EnergySums:
    return {key: found for key, found in sums.items() if key.period == month}


def _total(sums: EnergySums, month: str) -> int:
    return sum(found.energy_wh for found in _of(sums, month).values())


def ledger_sums_follow(evidence: Evidence) -> CheckResult:
    """Beside 1. The money that reports show by posting day and account is the sum of the postings."""
    breaches: list[str] = []
    turnover: dict[str, tuple[Micro, Micro]] = {}
    days = postings = 0
    for kept in evidence.ledger_days():
        days += 1
        breaches += _wrong_sums(kept)
        for (account, _), (count, taken, given) in kept.summed.items():
            postings += count
            before = turnover.get(account, (0, 0))
            turnover[account] = before[0] + taken, before[1] + given
    stored = evidence.account_turnover()
    for account in sorted(turnover.keys() | stored.keys()):
        said, right = stored.get(account, (0, 0)), turnover.get(account, (0, 0))
        if said != right:
            breaches.append(f"account {account}: {said} taken and given are kept, postings give {right}")
    looked = f"{postings} postings under {days} days on {len(stored)} accounts"
    return CheckResult("1 sums of money follow from postings", looked, tuple(breaches))


def _wrong_sums(kept: KeptLedgerDay) -> Iterator[str]:
    nothing = (0, 0, 0)
    for account, kind in sorted(kept.summed.keys() | kept.kept.keys()):
        right, said = kept.summed.get((account, kind), nothing), kept.kept.get((account, kind), nothing)
        if right != said:
            figures = "{} postings, {} taken, {} given"
            text = f"{figures.format(*said)} are kept, postings give {figures.format(*right)}"
            yield f"day {kept.day} account {account} ({kind}): {text}"
