"""docs/wire-format.md says what the code does: every field, word and limit, and nothing that is not there."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from protocol import box_config, commands, limits, messages, money, records, state
from protocol.payload import Payload
from tests.house_rules.source_tree import ROOT
from tests.vectors import make

PAGE = (ROOT / "docs" / "wire-format.md").read_text(encoding="utf-8")
MODULES = (messages, records, commands, state, box_config, money)
NAMED_IN_LINE = {state.LockOutState, messages.BatchHeader}
"""Shown inside another table."""
TYPES: list[type[Payload]] = [
    kind
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type)
    and issubclass(kind, Payload)
    and kind.__module__ == module.__name__
    and kind not in NAMED_IN_LINE
]
_TABLE = re.compile(r"\| field \| type \| meaning \|\n\| --- \| --- \| --- \|\n((?:\|.*\|\n)+)")
_ROW = re.compile(r"\| `(?P<field>\w+)`(?P<optional>\??) \| (?P<type>.*?) \| [^|]+ \|$", re.MULTILINE)
_ABSENT = re.compile(r"; (\S+) if absent$")


def rows(table: str) -> tuple[tuple[str, bool, str | None], ...]:
    """Field, whether it may be absent, and what it then is."""
    found = []
    for row in _ROW.finditer(table):
        default = _ABSENT.search(row["type"])
        found.append((row["field"], bool(row["optional"]), default[1] if default else None))
    assert len(found) == table.count("\n"), table
    return tuple(found)


TABLES = [rows(found[1]) for found in _TABLE.finditer(PAGE)]


def as_in_the_page(kind: type[Payload]) -> tuple[tuple[str, bool, str | None], ...]:
    """What a type's table must say."""
    said = []
    for field in msgspec.structs.fields(kind):
        default: Any = None if field.required else field.default
        text = None if default in (None, ()) else json.dumps(default).strip('"')
        said.append((field.encode_name, not field.required, text))
    return tuple(said)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_each_type_has_its_table(kind: type[Payload]) -> None:
    assert as_in_the_page(kind) in TABLES


def test_each_table_has_its_type() -> None:
    known = [as_in_the_page(kind) for kind in TYPES]
    assert [table for table in TABLES if table not in known] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("verdict", messages.Verdict),
        ("refusal", records.RefusalReason),
        ("cause", records.Cause),
        ("contact", records.Contact),
        ("flag", records.IntervalFlag),
        ("alarm", records.AlarmKind),
        ("alarm at the centre", records.CentreAlarmKind),
        ("epoch why", messages.EpochWhy),
        ("clock source", messages.ClockSource),
        ("mode", commands.Mode),
        ("test", records.MeterTestKind),
        ("fault", records.FaultKind),
        ("money kind", messages.MoneyKind),
    ],
)
def test_closed_lists(name: str, words: Any) -> None:
    closed = PAGE.partition("## Closed lists")[2]
    row = re.search(rf"^\| {name} \| (.*) \|$", closed, re.MULTILINE)
    assert row is not None
    assert row[1].replace("`", "").split() == list(get_args(words))


def test_limits() -> None:
    table = PAGE.partition("## Limits")[2]
    said = {name: int(number.replace(",", "")) for number, name in re.findall(r"\| ([\d,]+) \| `(\w+)` \|", table)}
    assert said == {name: value for name, value in vars(limits).items() if name.isupper()}


def test_verdicts_stand_in_the_order_of_the_checks() -> None:
    table = PAGE.partition("## Verdicts")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(get_args(messages.Verdict))


def test_kinds_of_record_command_and_money_have_a_heading() -> None:
    headings = {heading.split(" (")[0] for heading in re.findall(r"^### (.+)$", PAGE, re.MULTILINE)}
    assert headings >= {*commands.BODIES, *money.MONEY_BODIES, *messages.SIGNED_BY}
    assert headings >= {kind.__struct_config__.tag for kind in get_args(records.Record)}


def vector(name: str) -> Any:
    return json.loads((make.FOLDER / name).read_text(encoding="utf-8"))


def test_the_worked_line_is_that_of_the_vectors() -> None:
    line = next(line for line in vector("lines.json") if line["name"] == "keys")
    for field in ("payload", "pae", "hash", "line"):
        assert line[field] in PAGE


def test_the_examples_beside_the_code_are_those_of_the_vectors() -> None:
    readme = (ROOT / "protocol" / "README.md").read_text(encoding="utf-8")
    bodies = [json.loads(line["payload"])["body"] for line in vector("commands.json")]
    records = [r for batch in vector("batches.json")["batches"] for r in json.loads(batch["payload"])["records"]]
    known = [*bodies, *records, *(json.loads(line["line"]) for line in vector("lines.json"))]
    examples = re.findall(r"```json\n(.*?)\n```", readme, re.DOTALL)
    assert len(examples) == 3
    assert [example for example in examples if json.loads(example) not in known] == []


def test_the_worked_charges_are_those_of_the_vectors() -> None:
    cases = {case["name"]: case["result"] for case in vector("charging.json")["cases"]}
    said = re.findall(
        r"^\| `([\w:]+)` \| \d{4}-.* \| (.*) \| ([\d,]+) \| (\d+)\S* ?\S* ?\S* \| .* \|$", PAGE, re.MULTILINE
    )
    assert len(said) > 10
    for name, parts, charge, carry in said:
        result = cases[name]
        assert int(charge.replace(",", "")) == result["charge_micro"]
        assert int(carry) == result["money_carry_nano"]
        shown = [int(number.replace(",", "")) for number in re.findall(r"→ ([\d,]+)", parts)]
        assert shown == [part["charge_micro"] for part in result["parts"]]


def test_every_link_inside_the_page_leads_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in re.findall(r"^##+ (.+)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\(#([\w-]+)\)", PAGE)) <= anchors
    assert Path(make.FOLDER / "README.md").exists()
