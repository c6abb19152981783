"""What a site of that size has in its books beside energy, made by SQL on either engine: an entry for each batch of the
last days, the sums by posting day of a year, a hundred thousand sales, and what boxes and people told of themselves.

What is not here: signed lines, so that nothing can be proven from them; and the way of a sale's money by the centre and
by grants: it stands in the wallet at once.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import peewee as pw

from cloud_server.store.database import run_many, run_sql
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.street import account_id, box_id, meter_id

SALES: Final = 100_000
EVENTS: Final = 100_000
ALARMS: Final = 20_000
STEPS: Final = 100_000
"""Of a year: of switchings, alarms and steps of people."""
OPERATORS: Final = ("wang", "li", "zhao")
METHODS: Final = ("cash", "wechat", "alipay", "bank")
AMOUNT_MICRO: Final = 50_000_000
DAY_MS: Final = 86_400_000
POSTED_DAYS: Final = 31
"""The last days that have their postings one by one, where there are intervals: only a statement reads those, and a
year's would take longer to put there than all else."""
Place = tuple[int, int]
"""Box and shop."""

_ENTRIES: Final = (
    "INSERT INTO ledger_transaction (site, transaction_id, kind, cause, effective_at_ms, posting_day, who, key, "
    "posted_at_ms) SELECT '{site}', 'b' || b.box || h.number, 'batch', "
    "'batch/' || b.box || '/1/' || (h.number + 1000000), h.from_ms + 1800000, h.day, 'box:' || b.box, "
    "'batch/' || b.box || '/1/' || (h.number + 1000000), h.from_ms + 1805000 "
    "FROM bench_half h CROSS JOIN (SELECT DISTINCT box FROM bench_meter) b WHERE h.number >= {first}"
)
_CHARGE: Final = "((m.base + h.more) * h.price / 1000)"
_WALLETS: Final = (
    "INSERT INTO posting (site, transaction_id, n, account, amount_micro, posting_day) "
    f"SELECT '{{site}}', 'b' || m.box || h.number, m.n, 'wallet/' || m.wallet, 0 - {_CHARGE}, h.day "
    "FROM bench_half h CROSS JOIN bench_meter m WHERE h.number >= {first}"
)
_REVENUE: Final = (
    "INSERT INTO posting (site, transaction_id, n, account, amount_micro, posting_day) "
    f"SELECT '{{site}}', 'b' || m.box || h.number, 0, 'revenue/' || h.rate, SUM({_CHARGE}), h.day "
    "FROM bench_half h CROSS JOIN bench_meter m WHERE h.number >= {first} GROUP BY m.box, h.number, h.rate, h.day"
)
_SALES: Final = (
    "INSERT INTO ledger_transaction (site, transaction_id, kind, cause, effective_at_ms, posting_day, who, key, "
    "posted_at_ms) SELECT site, 's' || sale, 'sale', 'sale/' || sale, paid_at_ms, till_day, operator, key, paid_at_ms "
    "FROM sale",
    "INSERT INTO posting (site, transaction_id, n, account, amount_micro, posting_day) SELECT site, 's' || sale, 0, "
    "'till/' || operator || '/' || method, 0 - amount_micro, till_day FROM sale",
    "INSERT INTO posting (site, transaction_id, n, account, amount_micro, posting_day) SELECT site, 's' || sale, 1, "
    "'wallet/' || replace(account, '80000acc', '8000000f'), amount_micro, till_day FROM sale",
)
_DAYS: Final = (
    "INSERT INTO ledger_day (site, posting_day, account, kind, postings, taken_micro, given_micro) "
    "SELECT '{site}', d.day, 'wallet/' || m.wallet, 'batch', SUM(d.count), "
    "SUM((d.count * m.base + d.more) * d.price / 1000), 0 FROM bench_day d CROSS JOIN bench_meter m "
    "GROUP BY d.day, m.wallet ORDER BY d.day, m.wallet",
    "INSERT INTO ledger_day (site, posting_day, account, kind, postings, taken_micro, given_micro) "
    "SELECT '{site}', d.day, 'revenue/' || d.rate, 'batch', SUM(d.count) / {shops}, 0, "
    "SUM((d.count * m.base + d.more) * d.price / 1000) FROM bench_day d CROSS JOIN bench_meter m "
    "GROUP BY d.day, d.rate",
    "INSERT INTO ledger_day (site, posting_day, account, kind, postings, taken_micro, given_micro) "
    "SELECT site, till_day, 'till/' || operator || '/' || method, 'sale', COUNT(*), SUM(amount_micro), 0 FROM sale "
    "GROUP BY site, till_day, operator, method ORDER BY till_day",
    "INSERT INTO ledger_day (site, posting_day, account, kind, postings, taken_micro, given_micro) "
    "SELECT site, till_day, 'wallet/' || replace(account, '80000acc', '8000000f'), 'sale', COUNT(*), 0, "
    "SUM(amount_micro) FROM sale "
    "GROUP BY site, till_day, account ORDER BY till_day",
    "INSERT INTO account_balance (site, account, balance_micro, taken_micro, given_micro) SELECT site, account, "
    "SUM(given_micro - taken_micro), SUM(taken_micro), SUM(given_micro) FROM ledger_day GROUP BY site, account",
)


def fill_books(database: pw.Database, rig: SiteRig, places: list[Place], days: int) -> None:
    """Everything, from the tables of halves and days that intervals and sums were made of; `days` of sales."""
    today = date.fromisoformat(rig.centre.day_of(rig.clock.now_ms))
    site, boxes = rig.site, {box for box, _ in places}
    for rows in (_sales(rig, places, today, days), _switchings(rig, places, days), _alarms(rig, places, days)):
        _add(database, site, rows)
    _add(database, site, _steps(rig, days))
    for statement in (_ENTRIES, _WALLETS, _REVENUE, *_SALES, *_DAYS):
        database.execute_sql(statement.format(site=site, shops=len(places) // len(boxes), first=-POSTED_DAYS * 48))
    _hold_against_postings(database)


def _add(database: pw.Database, site: str, rows: Iterator[dict[str, Any]]) -> None:
    """Rows of one table, whose name is in the first of them."""
    first = next(rows)
    table = first.pop("table")
    named = ", ".join(f'"{name}"' for name in ("site", *first))
    marks = ", ".join([database.param] * (len(first) + 1))
    values = [(site, *first.values()), *((site, *list(row.values())[1:]) for row in rows)]
    run_many(database, f'INSERT INTO "{table}" ({named}) VALUES ({marks})', values)


def _at_ms(rig: SiteRig, number: int, count: int, days: int) -> int:
    """The moments of `count` things, one after another through the days before now."""
    return rig.clock.now_ms - days * DAY_MS + (number + 1) * (days * DAY_MS // (count + 1))


def _sales(rig: SiteRig, places: list[Place], today: date, days: int) -> Iterator[dict[str, Any]]:
    for number in range(SALES):
        day = (today - timedelta(days=days - 1 - number * days // SALES)).isoformat()
        operator = OPERATORS[number % len(OPERATORS)]
        yield {
            "table": "sale",
            "sale": f"{number:032x}",
            "receipt": f"TB-{day}-{number:06d}",
            "account": account_id(*places[number % len(places)]),
            "amount_micro": AMOUNT_MICRO,
            "method": METHODS[number % len(METHODS)],
            "operator": operator,
            "operator_name": operator,
            "paid_at_ms": _at_ms(rig, number, SALES, days),
            "till_day": day,
            "key": f"bench-{number}",
        }


def _switchings(rig: SiteRig, places: list[Place], days: int) -> Iterator[dict[str, Any]]:
    for number in range(EVENTS):
        (box, shop), at_ms = places[number % len(places)], _at_ms(rig, number, EVENTS, days)
        is_on = number // len(places) % 2
        told = {
            "kind": "relay",
            "at_ms": at_ms,
            "meter": meter_id(box, shop),
            "wanted": "closed" if is_on else "open",
            "seen": "closed" if is_on else "open",
            "cause": "balance",
        }
        yield {
            "table": "box_event",
            "box": box_id(box),
            "epoch": 1,
            "seq": number,
            "n": 5_000,
            "kind": "relay",
            "at_ms": at_ms,
            "meter": meter_id(box, shop),
            "body": json.dumps(told),
        }


def _alarms(rig: SiteRig, places: list[Place], days: int) -> Iterator[dict[str, Any]]:
    for number in range(ALARMS):
        (box, shop), at_ms = places[number * 7 % len(places)], _at_ms(rig, number, ALARMS, days)
        yield {
            "table": "alarm",
            "alarm_id": f"{number:032x}",
            "kind": ("alarm1", "alarm2", "meter_lost", "overload")[number % 4],
            "box": box_id(box),
            "meter": meter_id(box, shop),
            "raised_at_ms": at_ms,
            "cleared_at_ms": at_ms + 600_000,
            "times": 1,
        }


def _steps(rig: SiteRig, days: int) -> Iterator[dict[str, Any]]:
    """Behind the rows that are there; not chained, which no report looks at."""
    for number in range(STEPS):
        yield {
            "table": "audit",
            "number": 1_000_000 + number,
            "prev": "",
            "hash": "",
            "at_ms": _at_ms(rig, number, STEPS, days),
            "who": OPERATORS[number % len(OPERATORS)],
            "action": "sale",
            "subject": f"{number:032x}",
            "detail": "{}",
        }


def _hold_against_postings(database: pw.Database) -> None:
    """Kept by day is what was posted, on the days that have postings of batches."""
    posted = run_sql(
        database,
        "SELECT e.posting_day, p.account, COUNT(*), SUM(p.amount_micro) FROM posting p JOIN ledger_transaction e "
        "ON e.site = p.site AND e.transaction_id = p.transaction_id WHERE e.kind = 'batch' "
        "GROUP BY e.posting_day, p.account",
    )
    kept = {
        (day, account): (int(count), int(micro))
        for day, account, count, micro in run_sql(
            database,
            "SELECT posting_day, account, postings, given_micro - taken_micro FROM ledger_day WHERE kind = 'batch'",
        )
    }
    for day, account, count, micro in posted:
        found = kept[day, account]
        assert found == (int(count), int(micro)), f"{account} on {day}: {found} kept, {count} with {micro} posted"
