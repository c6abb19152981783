"""Settings as TOML text: strings, numbers, lists and tables. Python's own library reads TOML only."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

TomlValue = str | int | Sequence["TomlValue"] | Mapping[str, "TomlValue"]
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


def write_toml(table: Mapping[str, TomlValue]) -> str:
    """The text of a table. Values stand before tables, as TOML wants it; the order is kept otherwise."""
    return "\n".join(_lines((), table)).lstrip("\n") + "\n"


def _lines(path: tuple[str, ...], table: Mapping[str, TomlValue]) -> list[str]:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    if path and (lines or not table):
        lines = ["", f"[{'.'.join(map(_key, path))}]", *lines]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _lines((*path, key), value)
    return lines


def _value(value: TomlValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for the one control character that JSON lets through.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
    return "[" + ", ".join(_value(each) for each in value) + "]"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)
