"""Writes the golden files, or says which of them are stale: `python -m tests.vectors.make [--check]`.

The same on every machine and every day: keys from fixed seeds, no clock, no chance.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from protocol.envelope import PAYLOAD_TYPE_FORM, Line
from protocol.messages import SIGNED_BY
from tests.vectors.cast import BOX, KEYS, SITE
from tests.vectors.charging_cases import BOOKS, CASES, priced
from tests.vectors.lines import (
    COMMAND_LINES,
    EPOCH_LINE,
    FIRST_BATCH,
    LAST_BATCH_BEFORE,
    MONEY_LINES,
    ONE_OF_EACH,
    ROTATED_LINE,
    SECOND_BATCH,
)
from tests.vectors.refused import REFUSED, STILL_GOOD
from tests.vectors.verdict_cases import COMMANDS_HEAD, SCENARIOS, Step

FOLDER: Final = Path(__file__).parent
_NAMES: Final = {key.public.keyid: name for name, key in KEYS.items()}


def described(name: str, line: Line) -> dict[str, Any]:
    """A line with everything that goes into it, and its bytes."""
    return {
        "name": name,
        "type": line.type_name,
        "payload_type": PAYLOAD_TYPE_FORM.format(line.type_name),
        "signed_by": [_NAMES[keyid] for keyid, _ in line.signatures],
        "payload": line.payload.decode(),
        "pae": line.message.decode(),
        "hash": line.hash,
        "signatures": [signature.hex() for _, signature in line.signatures],
        "line": line.raw.decode(),
    }


def _chain(word: str, lines: Iterable[tuple[int, Line]]) -> list[dict[str, Any]]:
    return [described(f"{word} {number}", line) for number, line in lines]


def _step(step: Step) -> dict[str, Any]:
    line = step.line if isinstance(step.line, str) else step.line.raw.decode()
    more = {} if step.resend_from is None else {"resend_from": step.resend_from}
    return {"box": step.box, "row": step.row, "line": line, "verdict": step.verdict, **more}


def contents() -> dict[str, Any]:
    """File name -> what stands in it."""
    return {
        "keys.json": {
            "note": "From public seeds. Never to be trusted by anything but a test.",
            "signed_by": SIGNED_BY,
            "keys": [
                {"name": name, "seed": key.seed().hex(), "public": key.public.text, "keyid": key.public.keyid}
                for name, key in KEYS.items()
            ],
        },
        "lines.json": [*(described(name, line) for name, line in ONE_OF_EACH.items())],
        "good.json": [*(described(name, line) for name, line in STILL_GOOD.items())],
        "commands.json": [
            *_chain("command", COMMAND_LINES.items()),
            described("command 5, signed again", ROTATED_LINE),
        ],
        "money.json": _chain("money", MONEY_LINES.items()),
        "batches.json": {
            "epoch_line": EPOCH_LINE.raw.decode(),
            "batches": _chain("batch", enumerate((FIRST_BATCH, SECOND_BATCH), start=1)),
        },
        "charging.json": {
            "books": {name: {"zone": zone, "versions": list(texts)} for name, (zone, texts) in BOOKS.items()},
            "cases": [priced(case) for case in CASES],
        },
        "verdicts.json": {
            "site": SITE,
            "box": BOX,
            "record_key": KEYS["record"].public.text,
            "epoch_line": EPOCH_LINE.raw.decode(),
            "posted_before": LAST_BATCH_BEFORE.raw.decode(),
            "commands_head": {"seq": COMMANDS_HEAD, "hash": COMMAND_LINES[COMMANDS_HEAD].hash},
            "scenarios": {name: [_step(step) for step in steps] for name, steps in SCENARIOS.items()},
        },
        "refused.json": [{"name": r.name, "gate": r.gate, "why": r.why, "line": r.line} for r in REFUSED],
    }


def files() -> dict[str, str]:
    """File name -> its text."""
    return {name: json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in contents().items()}


def stale() -> list[str]:
    """Files that are not as they would be written now, or that nobody writes any more."""
    wanted = files()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def main() -> None:
    """Write the files; with `--check`, only look, and fail where one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
    found = stale()
    if parser.parse_args().check:
        raise SystemExit(f"stale: {', '.join(found)}" if found else 0)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
