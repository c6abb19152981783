"""One TOML file of the box being read: values of the right kind, and every mistake with its place, all at once."""

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FILE_BYTES_MAX: Final = 1024 * 1024
"""A box.toml has a few hundred bytes, a claim a few thousand; more is another file."""


class BadConfig(Exception):
    """A file cannot be used; `mistakes` has one line for each thing that is wrong with it."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(slots=True)
class Table:
    """One TOML table being read; collects what is wrong with it."""

    file: Path
    place: str
    values: dict[str, Any]
    mistakes: list[str]
    seen: set[str] = field(default_factory=set)

    def take(self, key: str, kind: type, right: str, *, optional: bool = False) -> Any:
        """The value of a key, or None where it is missing or of another kind (then that is noted)."""
        self.seen.add(key)
        if key not in self.values:
            if not optional:
                self.wrong(key, None, right)
            return None
        value = self.values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.wrong(key, value, right)
            return None
        return value

    def wrong(self, key: str, value: object, right: str) -> None:
        found = "is missing" if value is None else f"= {value!r}"
        self.mistakes.append(f"{self.file}: {self.place}{key} {found}; right would be {right}")

    def done(self) -> None:
        """Note the keys that nobody asked for, with the likeliest meaning."""
        for key in self.values.keys() - self.seen:
            near = difflib.get_close_matches(key, self.seen, 1)
            right = f"perhaps {near[0]!r} is meant" if near else f"known here: {', '.join(sorted(self.seen))}"
            self.mistakes.append(f"{self.file}: {self.place}{key} = {self.values[key]!r} is not known; {right}")


def open_table(path: Path, mistakes: list[str]) -> Table:
    """The top of a TOML file. Raises BadConfig where it cannot be read at all."""
    try:
        raw = path.read_bytes()
        if len(raw) > FILE_BYTES_MAX:
            raise BadConfig([f"{path}: {len(raw)} bytes; a file of this kind has at most {FILE_BYTES_MAX}"])
        return Table(path, "", tomllib.loads(raw.decode("utf-8")), mistakes)
    except OSError as fault:
        raise BadConfig([f"{path}: {fault.strerror}; right would be a readable file"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadConfig([f"{path}: no TOML: {fault}"]) from None
