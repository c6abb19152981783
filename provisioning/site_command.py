"""The words `provision site`: check a plan, send it, write a workbook to fill in."""

import argparse
from pathlib import Path
from typing import Any

from protocol.workbook.sheets import LANGUAGES
from protocol.workbook.template import Known
from provisioning.answers import WRONG_INPUT, agreed, announce, fail, show
from provisioning.options import UsageFault, add_centre_options, centre_settings, connect
from provisioning.plan_file import PlanFile
from provisioning.workbook import files as workbook


def _read_plan(options: argparse.Namespace) -> PlanFile | None:
    read = PlanFile(options.file)
    if read.plan is None or read.mistakes:
        count = len(read.mistakes)
        fail(
            options,
            WRONG_INPUT,
            f"{options.file}: {count} mistake{'s' * (count != 1)}",
            [str(m) for m in read.mistakes],
        )
        return None
    return read


def _site_plan(options: argparse.Namespace) -> int:
    read = _read_plan(options)
    if read is None or read.plan is None:
        return WRONG_INPUT
    counts = _counts(read)
    text = ", ".join(f"{count} {what}" for what, count in counts.items())
    return show(options, f"{options.file} can be taken: {text}.", site=read.plan.site, **counts)


def _site_apply(options: argparse.Namespace) -> int:
    read = _read_plan(options)
    if read is None or read.plan is None:
        return WRONG_INPUT
    with connect(options) as api:
        if not options.json:
            announce(f"{api.url} gets " + ", ".join(f"{count} {what}" for what, count in _counts(read).items()))
        if not (options.yes or agreed("Send it?")):
            raise UsageFault("nothing was sent; say yes, or add --yes")
        read.keep_ids()
        answer = api.put_plan(read.plan)
    return show(options, "The centre has taken the plan.", site=read.plan.site, answer=answer)


def _site_template(options: argparse.Namespace) -> int:
    known = Known()
    if options.dir is not None:
        site = centre_settings(options.dir).get("site", {})
        known = Known(*(str(site.get(name, "")) for name in ("id", "name", "zone", "currency")))
    workbook.write_template(options.file, options.language, known)
    text = f"{options.file}: fill in its sheets, then: provision site import {options.file}"
    return show(options, text, file=str(options.file), language=options.language)


def _counts(read: PlanFile) -> dict[str, int]:
    plan = read.plan
    if plan is None:
        return {}
    return {
        "buildings": len(plan.buildings),
        "boxes": len(plan.boxes),
        "meters": sum(len(box.meters) for box in plan.boxes),
        "points": len(plan.points),
        "customers": len(plan.customers),
        "wallets": len(plan.wallets),
        "new ids": read.new_labels,
    }


def add_words(words: Any) -> None:
    """Add them to the command line."""
    site = words.add_parser("site", help="check and send the plan of the site").add_subparsers(required=True)
    check = site.add_parser("plan", help="check a plan file; sends nothing")
    check.add_argument("file", type=Path, metavar="FILE")
    check.set_defaults(run=_site_plan)
    apply = site.add_parser("apply", help="send a plan file to the centre")
    imported = site.add_parser("import", help="check a filled workbook, show what it holds, and send it")
    for each in (apply, imported):
        each.add_argument("file", type=Path, metavar="FILE")
        each.add_argument("--yes", action="store_true", help="do not ask")
        add_centre_options(each)
        each.set_defaults(run=_site_apply)
    template = site.add_parser("template", help="write a workbook to fill in, with notes, choices and examples")
    template.add_argument("file", type=Path, metavar="FILE.xlsx")
    template.add_argument("--language", choices=LANGUAGES, default="zh_CN", help="of its words (zh_CN)")
    template.add_argument("--dir", type=Path, help="folder of the centre, from which the site is filled in")
    template.set_defaults(run=_site_template)
    for each in (check, apply, imported, template):
        each.add_argument("--json", action="store_true", help="the result as one JSON object")
