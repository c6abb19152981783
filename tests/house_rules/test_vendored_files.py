"""Files made by others are exactly those that their page names, byte for byte."""

import hashlib
import re
from pathlib import Path

from tests.house_rules.source_tree import ROOT, VENDORED

PAGE = "VENDOR.md"
_ROW = re.compile(r"^\| `(?P<file>[^`]+)` \|(?: [^|]+ \|){3} `(?P<sha256>[0-9a-f]{64})` \|", re.MULTILINE)


def differences(folder: Path) -> list[str]:
    """Files of a folder that its page does not name, or names with another hash, or that are not there."""
    named = {row["file"]: row["sha256"] for row in _ROW.finditer((folder / PAGE).read_text(encoding="utf-8"))}
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    there.pop(PAGE)
    found = [f"{name}: not in {PAGE}" for name in sorted(there.keys() - named.keys())]
    found += [f"{name}: named in {PAGE}, not there" for name in sorted(named.keys() - there.keys())]
    for name in sorted(there.keys() & named.keys()):
        digest = hashlib.sha256(there[name].read_bytes()).hexdigest()
        if digest != named[name]:
            found.append(f"{name}: has SHA-256 {digest}, {PAGE} says {named[name]}")
    return found


def test_vendored_files_are_what_their_page_says() -> None:
    assert differences(ROOT / VENDORED) == []


def test_a_changed_an_unnamed_and_a_missing_file_are_found(tmp_path: Path) -> None:
    right = hashlib.sha256(b"kept").hexdigest()
    rows = [
        f"| `{name}` | package | 1.0 | MIT | `{right}` | `dist/{name}` |"
        for name in ("kept.js", "changed.js", "gone.js")
    ]
    (tmp_path / PAGE).write_text("\n".join(["# Files", *rows]), encoding="utf-8")
    (tmp_path / "kept.js").write_bytes(b"kept")
    (tmp_path / "changed.js").write_bytes(b"changed")
    (tmp_path / "unnamed.js").write_bytes(b"unnamed")
    found = differences(tmp_path)
    assert [line.partition(":")[0] for line in found] == ["unnamed.js", "gone.js", "changed.js"]
