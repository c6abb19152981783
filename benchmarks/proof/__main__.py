"""`python -m benchmarks.proof [--meters N] [--engine E] [--json]`: what settles a bill, over a month of signed lines.

A box enrols, seals a batch of all its meters every half hour of October, and the centre takes each in as it does in the
field: real keys, chains, postings. Then pages are asked for: one account's statement, its proof as it opens, and what
follows behind it, its charges proved from every line of the box in that month. Beside that stands the least that it
could cost: the same bytes read from the same store, and the same signatures looked at. Exit code 1 where a page is not
within its limit, or where the proof finds a fault.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.console.__main__ import PAGE_S, opened, tell, tidy, timed
from benchmarks.console.filling import SHOPS
from benchmarks.ingest.fleet import FleetBox
from benchmarks.ingest.load import BEGIN_MS, BoxLoad
from cloud_server.core.signed_charges import CHECKS
from cloud_server.flows import synchronise
from cloud_server.store.schema import make_months_ahead
from protocol.envelope import check_signature, read_line
from protocol.signing import public_key_from_text
from protocol.tariff import TariffBook
from protocol.tariff_text import read_tariff
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.street import account_id, box_id
from tests.fakes.centre_clock import NOON_MS

DAYS: Final = 31
MONTH_MS: Final = DAYS * 86_400_000
OCTOBER_MS: Final = BEGIN_MS - MONTH_MS
BATCHES_AT_ONCE: Final = 8
METERS: Final = 60
"""Of a box in the field: three buses of twenty."""
SHOP: Final = 2
ASKED: Final = f"account={account_id(1, SHOP)}&from=2026-10-01&to=2026-10-31"


def take_month_in(rig: SiteRig, meters: int) -> int:
    """A box with so many meters and its October; how many lines."""
    rig.clock.now_ms = OCTOBER_MS
    for ahead_ms in (0, MONTH_MS):
        make_months_ahead(rig.engine, OCTOBER_MS + ahead_ms)
    rig.plan(boxes=1, shops=meters)
    made = rig.enrol(1)
    config = made.config
    assert config is not None
    book = TariffBook(config.site.zone, {(t.tariff, t.version): read_tariff(t.text) for t in config.tariffs})
    box = FleetBox(1, made.box, made.key, made.batch_head.hash, config)
    load = BoxLoad(rig.site, box, book, made.batch_head, OCTOBER_MS)
    lines = DAYS * 48
    for _ in range(0, lines, BATCHES_AT_ONCE):
        some = [load.batch(1) for _ in range(BATCHES_AT_ONCE)]
        rig.clock.now_ms = load.at_ms
        synchronise.exchange(rig.centre, [*some, load.sync()])
    assert load.head.seq == lines
    return lines


def least(rig: SiteRig, lines: int) -> int:
    """The same bytes from the same store, each signature looked at; how many bytes."""
    size = 0
    with rig.store.read() as unit:
        epoch = unit.enrolments.epochs(box_id(1))[0]
        keys = {epoch.keyid: public_key_from_text(epoch.record_key)}
        for _, _, raw in unit.reports.batch_lines(box_id(1), epoch.epoch, (1, lines)):
            check_signature(read_line(raw), keys)
            size += len(raw)
    return size


def measure(engine: str, meters: int) -> dict[str, Any]:
    """Everything, in one run."""
    found: dict[str, Any] = {"engine": engine, "meters": meters}
    with tempfile.TemporaryDirectory(prefix="tb") as folder, opened(engine, Path(folder)) as rig:
        found["lines"] = take_month_in(rig.rig, meters)
        rig.rig.clock.now_ms = NOON_MS
        tell(f"a month of {meters} meters is taken in")
        tidy(rig)
        browser = rig.browser("supervisor")
        whole = f"/reports/proof?{ASKED}&lines=yes"
        text = browser.get(whole)
        assert "DOES NOT HOLD" not in text, "the proof finds a fault"
        assert text.count(">holds<") == 1 + len(CHECKS), "not every check was made"
        pages = {"statement": f"/reports/statement?{ASKED}", "proof_page": f"/reports/proof?{ASKED}", "proof": whole}
        for name, path in pages.items():
            found[name] = asdict(timed(partial(browser.get, path), 3))
        found["bytes"] = least(rig.rig, found["lines"])
        found["least"] = asdict(timed(partial(least, rig.rig, found["lines"]), 3))
        found["proof_to_least"] = round(found["proof"]["processor_s"] / found["least"]["processor_s"], 1)
    return found


def main() -> int:
    """Measure, tell, and fail where a limit is not held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof", description="A bill proved from signed lines.")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--meters", type=int, default=METERS, help=f"of the box, up to {SHOPS}")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    chosen = parser.parse_args()
    found = measure(chosen.engine, chosen.meters)
    print(json.dumps(found) if chosen.json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    late = [name for name in ("statement", "proof_page") if found[name]["seconds"] > PAGE_S]
    for name in late:
        print(f"above its limit: {name}, s: {found[name]['seconds']} > {PAGE_S}", file=sys.stderr)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
