"""The words `provision commission`: options, questions at the box's own terminal, the files that are left."""

import argparse
import json
import time
from pathlib import Path
from typing import Any, Final

from edge_agent.config import BadConfig
from provisioning.commission.findings import NoSuchMeter
from provisioning.commission.report import facts, facts_text, page
from provisioning.commission.walk import CommissionFault, Walk, Walked, Wishes
from provisioning.files import write_file

DONE: Final = 0
FINDINGS: Final = 1
WRONG_INPUT: Final = 2
REPORT_MODE: Final = 0o644


def add_words(words: Any) -> argparse.ArgumentParser:
    """Options of `provision commission`."""
    parser: argparse.ArgumentParser = words.add_parser(
        "commission", help="at the box: compare the buses with the plan, try relays, leave a signed report"
    )
    parser.add_argument("--config", type=Path, default=Path("/etc/tallybox/box.toml"), help="box.toml")
    parser.add_argument("--who", required=True, help="who commissions; stands in the report and in the box's records")
    parser.add_argument("--units", default="1-247", help="unit ids to look at on each bus: 1-40,101 (1-247)")
    parser.add_argument(
        "--set-unit",
        default="",
        metavar="METER",
        help="give this meter, new and alone on its bus, the unit id of the plan; does nothing else",
    )
    parser.add_argument("--relays", action="store_true", help="try each relay, each with a person's yes")
    parser.add_argument("--guards", action="store_true", help="prove each meter's own account by a top-up of 0.01")
    parser.add_argument(
        "--yes", action="store_true", help="do not ask: every relay is tried, nobody says which was dark"
    )
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where the report goes (here)")
    parser.add_argument("--json", action="store_true", help="the facts as one JSON object")
    parser.set_defaults(run=_commission)
    return parser


def _commission(options: argparse.Namespace) -> int:
    wishes = Wishes(
        options.config, options.who, options.units, options.relays, options.guards, options.yes, options.set_unit
    )

    def tell(words: str) -> None:
        if not options.json:
            print(words, flush=True)

    try:
        walk = Walk(wishes, input, tell)
        walked = walk.run()
        text = facts_text(walked)
        line, record_key = walk.sign(text)
    except (BadConfig, CommissionFault, NoSuchMeter) as fault:
        print(json.dumps({"error": str(fault)}) if options.json else f"provision: {fault}")
        return FINDINGS if isinstance(fault, CommissionFault) else WRONG_INPUT
    stem = options.out / f"commissioning-{walked.box[:8]}-{time.strftime('%Y%m%d-%H%M%S')}"
    signed, printed = stem.with_suffix(".line"), stem.with_suffix(".html")
    write_file(signed, line, REPORT_MODE)
    write_file(printed, page(walked, line.decode(), record_key).encode(), REPORT_MODE)
    if options.json:
        print(json.dumps({**facts(walked), "report": str(printed), "line": str(signed)}, ensure_ascii=False))
    else:
        print(_summary(walked))
        print(f"{printed}: to print and sign; {signed}: the same, signed by the box")
    return FINDINGS if walked.findings else DONE


def _summary(walked: Walked) -> str:
    there = sum(not one.doubled for one in walked.heard)
    lines = [f"{len(walked.planned)} meters planned, {there} answer, {len(walked.findings)} findings"]
    for finding in walked.findings:
        lines += [f"  {finding.place}: {finding.text}", f"      {finding.cure}"]
    return "\n".join(lines)
