"""Reading a table of a profile key by key, so that all mistakes are told at once and each names its place.

Knows TOML values and their ranges, nothing of meters.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from protocol.limits import PROFILE_CHARACTERS_MAX
from protocol.meter_profile import reasons
from protocol.reason import Reason
from protocol.toml_reasons import toml_reason

_FRACTION = re.compile(r"^\d{1,18}/[1-9]\d{0,17}$")
_DECIMAL = re.compile(r"^\d{1,18}(\.\d{1,18})?$")
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,31}$")
_HEX_BYTES = re.compile(r"^ *([0-9A-Fa-f]{2} *)+$")
_MISSING = object()
MISSING = "(missing)"
PRESENT = "(present)"
"""In place of a value that is not there, or too long to show."""
FILE = "(file)"
TEXT = "(text)"
"""In place of a key and a value where the text as a whole is at fault."""
LONGEST_LISTED = 12
"""So many allowed words are listed in a mistake; more would hide the point."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a file: where, what stands there, and what would be right."""

    file: str
    key: str
    value: str
    reason: Reason

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.file}: {self.key} = {self.value}: {self.reason}"


class ProfileError(Exception):
    """Theirs: the profile cannot be used. Holds every mistake that was found."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """At least one mistake."""
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


class ProfileTable:
    """One table of the file. What is wrong is noted, and a value that lets reading go on is given back."""

    def __init__(self, file: str, path: str, table: Mapping[str, object], mistakes: list[Mistake]) -> None:
        """`path` is how a person finds the table in the file; "" is the file itself."""
        self._file = file
        self._path = path
        self._table = table
        self._mistakes = mistakes
        self._asked: set[str] = set()
        self._named: set[str] = set()

    def wrong(self, key: str, reason: Reason, value: object = _MISSING) -> None:
        """Note a mistake at a key of this table."""
        self._named.add(key)
        shown = self._table.get(key, MISSING) if value is _MISSING else value
        self._mistakes.append(Mistake(self._file, self._place(key), _shown(shown), reason))

    def is_wrong(self, key: str) -> bool:
        """Whether a mistake was noted at this key."""
        return key in self._named

    def _place(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def __contains__(self, key: str) -> bool:
        """Whether the key stands in the file."""
        return key in self._table

    def names(self) -> list[str]:
        """The keys as they stand."""
        return list(self._table)

    def _take(self, key: str) -> object:
        self._asked.add(key)
        return self._table.get(key, _MISSING)

    def integer(self, key: str, least: int, greatest: int, default: int | None = None) -> int:
        """A whole number in a range; without a default it must be there."""
        value = self._take(key)
        if value is _MISSING and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= greatest:
            return value
        self.wrong(key, reasons.WHOLE_NUMBER(least=least, greatest=greatest))
        return least

    def one_of(self, key: str, allowed: Sequence[int], default: int | None = None) -> int:
        """One of a few whole numbers; without a default it must be there."""
        value = self._take(key)
        if value is _MISSING and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and value in allowed:
            return value
        self.wrong(key, reasons.ONE_OF(allowed=", ".join(str(each) for each in allowed)))
        return allowed[-1]

    def word(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of a closed list."""
        value = self._take(key)
        if value is _MISSING and default is not None:
            return default
        if isinstance(value, str) and value in allowed:
            return value
        self.wrong(key, reasons.ONE_OF(allowed=listed(allowed)))
        return allowed[0]

    def text(self, key: str) -> str:
        """Any words, not empty."""
        value = self._take(key)
        if isinstance(value, str) and value.strip():
            return value
        self.wrong(key, reasons.TEXT)
        return ""

    def truth(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._take(key)
        if value is _MISSING:
            return default
        if isinstance(value, bool):
            return value
        self.wrong(key, reasons.TRUTH)
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, at least one."""
        value = self._take(key)
        if isinstance(value, list) and value and all(isinstance(item, str) and item.strip() for item in value):
            return tuple(value)
        self.wrong(key, reasons.TEXTS)
        return ()

    def words_of(self, key: str, count: int | None, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """A list of 16-bit words, so many (any number above 0 where None)."""
        value = self._take(key)
        if value is _MISSING and default is not None:
            return default
        if (
            isinstance(value, list)
            and value
            and (count is None or len(value) == count)
            and all(isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= 0xFFFF for item in value)
        ):
            return tuple(value)
        self.wrong(key, reasons.WORDS if count is None else reasons.SO_MANY_WORDS(count=count))
        return (0,) * (count or 1)

    def hex_bytes(self, key: str, most: int) -> bytes:
        """Bytes written as pairs of hexadecimal digits, at least one and at most so many."""
        value = self._take(key)
        if isinstance(value, str) and _HEX_BYTES.match(value) and len(read := bytes.fromhex(value)) <= most:
            return read
        self.wrong(key, reasons.HEX_BYTES(most=most))
        return b"\0"

    def fraction(self, key: str, default: Fraction | None = None) -> Fraction:
        """An exact factor above 0: a whole number, or a text as "1/100" or "0.01"; a float is not exact."""
        value = self._take(key)
        if value is _MISSING and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return Fraction(value)
        if isinstance(value, str) and (_FRACTION.match(value) or _DECIMAL.match(value)) and Fraction(value) > 0:
            return Fraction(value)
        self.wrong(key, reasons.FACTOR)
        return Fraction(1)

    def table(self, key: str, *, needed: bool = False) -> ProfileTable | None:
        """A table within; None where there is none."""
        value = self._take(key)
        if isinstance(value, dict):
            return ProfileTable(self._file, self._place(key), value, self._mistakes)
        if value is not _MISSING or needed:
            self.wrong(key, reasons.TABLE)
        return None

    def tables(self, key: str) -> list[ProfileTable]:
        """An array of tables; empty where there is none."""
        value = self._take(key)
        if value is _MISSING:
            return []
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [
                ProfileTable(self._file, f"{self._place(key)}[{place}]", item, self._mistakes)
                for place, item in enumerate(value)
            ]
        self.wrong(key, reasons.TABLES)
        return []

    def name_is_plain(self, key: str) -> bool:
        """Whether a free name can be used in reported keys; notes a mistake where not."""
        if is_plain_name(key):
            return True
        self.wrong(key, reasons.NAME)
        return False

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._table:
            if key not in self._asked and key not in self._named:
                self.wrong(key, reasons.UNKNOWN_KEY(allowed=listed(sorted(self._asked))))


def is_plain_name(name: str) -> bool:
    """Whether a free name has small letters, digits and underscores alone, a letter first, at most 32."""
    return _NAME.fullmatch(name) is not None


def read_text(text: str, file: str) -> dict[str, object]:
    """The tables of a text; `file` stands for it in mistakes. Raises ProfileError where it is no TOML of our size."""
    if len(text) > PROFILE_CHARACTERS_MAX:
        raise _unreadable(file, reasons.TOO_LONG(most=PROFILE_CHARACTERS_MAX, are=len(text)))
    try:
        return tomllib.loads(text)
    except ValueError as fault:  # a number of thousands of digits is one too, and no TOMLDecodeError
        raise _unreadable(file, toml_reason(fault)) from fault
    except RecursionError as fault:
        raise _unreadable(file, reasons.TOO_DEEP) from fault


def _unreadable(file: str, reason: Reason) -> ProfileError:
    return ProfileError([Mistake(file, FILE, TEXT, reason)])


def listed(words: Sequence[str]) -> str:
    """Words for a person, not too many."""
    head = ", ".join(words[:LONGEST_LISTED])
    return head if len(words) <= LONGEST_LISTED else f"{head}, ..."


def _shown(value: object) -> str:
    if value in (MISSING, PRESENT):
        return str(value)
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
