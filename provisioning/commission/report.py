"""The commissioning report: the facts as JSON, which the box signs, and a page to print. Values in, text out."""

import datetime
import html
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from protocol.units import amount_to_text
from provisioning.commission.walk import Walked

FORMAT: Final = 1
_STYLE: Final = """
body { font: 14px/1.4 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2em auto; max-width: 62em; color: #16191d; }
table { border-collapse: collapse; width: 100%; margin: 0.5em 0 1.5em; }
th, td { border: 1px solid #b8c0c8; padding: 4px 8px; text-align: left; vertical-align: top; }
th { background: #eef1f4; } .bad { font-weight: bold; } .ok { color: #0f5a40; font-weight: bold; }
code { font-size: 12px; word-break: break-all; } .sign { margin-top: 3em; } @page { margin: 15mm; }
"""


def facts(walked: Walked) -> dict[str, Any]:
    """Everything that was found, as it is signed."""
    return {"format": FORMAT, **asdict(walked)}


def facts_text(walked: Walked) -> str:
    """The text that is signed."""
    return json.dumps(facts(walked), ensure_ascii=False, sort_keys=True)


def page(walked: Walked, line: str, record_key: str) -> str:
    """The report to print. `line` is the signed line beside which it is filed."""
    relays = [
        (one.name, one.place, "not tried" if one.passed is None else "passed" if one.passed else "FAILED", one.detail)
        for one in walked.relays
    ]
    accounts = [
        (one.name, amount_to_text(one.remaining_micro), ", ".join(f"{k} {v}" for k, v in one.prices_micro.items()))
        for one in walked.accounts
    ]
    set_ones = [
        (one.name, one.bus, one.was, one.planned, "yes" if one.moved else "NO", one.detail) for one in walked.units_set
    ]
    parts = [
        f"<h1>Commissioning of box {html.escape(walked.box)}</h1>",
        f"<p>By {html.escape(walked.who)}, {_moment(walked.began_at_ms)} to {_moment(walked.ended_at_ms)}, "
        f"configuration {walked.config_version}.</p>",
        "<h2>Findings</h2>",
        _verdict(len(walked.findings)),
        _table(("what", "where", "found", "what to do"), [(f.kind, f.place, f.text, f.cure) for f in walked.findings]),
        "<h2>Meters</h2>",
        _table(("meter", "bus", "unit", "planned", "answers as", "serial", "says", "CT", "kWh"), _meters(walked)),
        "<h2>Accounts that the meters hold themselves</h2>" if accounts else "",
        _table(("meter", "remaining: offered as opening balance", "prices, in millionths"), accounts),
        "<h2>Unit ids that were set</h2>" if walked.units_set else "",
        _table(("meter", "bus", "was", "planned", "done", "detail"), set_ones),
        "<h2>Relays and guards</h2>",
        _table(("meter", "where", "result", "detail"), relays),
        f"<h2>Signature</h2><p>Signed by the box with the key <code>{html.escape(record_key)}</code>; the line is in "
        f"the file beside this page and begins with <code>{html.escape(line[:96])}…</code></p>",
        '<p class="sign">Commissioned by: ______________________ &nbsp; For the property: ______________________</p>',
    ]
    head = f'<meta charset="utf-8"><title>Commissioning {html.escape(walked.box)}</title><style>{_STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _verdict(count: int) -> str:
    return f'<p class="bad">{count} findings</p>' if count else '<p class="ok">Nothing differs from the plan.</p>'


def _meters(walked: Walked) -> list[tuple[object, ...]]:
    """A row a planned meter: what is planned beside what answers there."""
    heard = {(one.bus, one.unit): one for one in walked.heard}
    rows: list[tuple[object, ...]] = []
    for plan in walked.planned:
        one = heard.get((plan.bus, plan.unit))
        register = "" if one is None or one.energy_wh is None else f"{one.energy_wh / 1000:.2f}"
        rows.append(
            (plan.name, plan.bus, plan.unit, plan.profile, "" if one is None else " / ".join(one.profiles[:1]),
             plan.serial or "", "" if one is None else one.serial or "", f"{plan.ct[0]}/{plan.ct[1]}", register)
        )  # fmt: skip
    return rows


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    shown = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{shown}</table>"


def _moment(at_ms: int) -> str:
    return datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
