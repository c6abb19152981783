"""A settings file as text: values by key, and what is wrong with them gathered. What they mean: `config.py`."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "": (
        *("format", "state_dir", "database", "journal", "listen", "public_url"),
        *("site", "tls", "keys", "people", "backup", "messages", "proxy"),
    ),
    "site": ("id", "name", "zone", "currency", "code"),
    "tls": ("certificate", "key"),
    "people": ("second_factor",),
    "backup": ("folder", "passphrase_file", "keep"),
    "keys": ("dir", "keys_line", "limits_line", "root_public"),
    "proxy": ("trusted",),
    "messages": ("modem", "baud", "pin_file", "smsc", "link_secret", "ways"),
}
RIGHT: Final = {
    "state_dir": 'a folder for what the process keeps beside its database, for example "state"',
    "database": "sqlite:///<file> (relative to this file's folder), sqlite:////<absolute file>, or "
    "postgresql://<user>@<host>[,<host>]/<database>",
    "journal": "a folder for the journal of money steps, best on another disk than the database",
    "listen": "an address and a port, for example 127.0.0.1:18443",
    "public_url": "the address at which people and boxes reach the centre; it must begin with https://",
    "site.id": "32 lowercase hex digits, as `provision init` made them",
    "site.name": "the site's name as people know it",
    "site.zone": "a zone of the IANA database, for example Asia/Shanghai",
    "site.currency": "three capital letters, for example CNY",
    "site.code": "1 to 8 of A-Z and 0-9",
    "tls.certificate": "the file of the server's certificate",
    "tls.key": "the file of that certificate's key",
    "keys.dir": "the folder of the centre's keys, as `provision init` made it",
    "keys.keys_line": "the file of the root's line of keys, as `provision init` made it",
    "keys.limits_line": "the file of the root's line of bounds, as `provision limits` made it",
    "keys.root_public": "the file of the root's public key, as `provision init` made it",
    "people.second_factor": "demanded (of supervisors and above) or offered",
    "backup.folder": "a folder on another disk, or on one that is carried away",
    "backup.passphrase_file": "the file of the passphrase, 0400",
    "messages.modem": 'the serial device of the modem, for example "/dev/ttyUSB0"',
    "messages.pin_file": "the file of the card's PIN, 0400",
    "messages.smsc": "a telephone number, + before a country code",
    "messages.link_secret": "a file for the secret of customers' links",
}
"""What would be right under each key that holds a text, for one that is missing as for one that is wrong."""

Value = TypeVar("Value")


class ConfigFault(Exception):
    """The configuration cannot be used; `mistakes` names each key with its value and what would be right."""

    def __init__(self, path: Path, mistakes: list[str]) -> None:
        super().__init__(f"{path}: " + "; ".join(mistakes))
        self.path = path
        self.mistakes = tuple(mistakes)


class Reader:
    """Takes values out of the file and gathers what is wrong with them."""

    def __init__(self, path: Path, data: Mapping[str, Any]) -> None:
        self.folder = path.absolute().parent
        self.data = data
        self.mistakes: list[str] = []

    def wrong(self, key: str, value: object, right: str) -> None:
        self.mistakes.append(f"{key} = {value!r}: {right}")

    def unknown_keys(self) -> None:
        for section, known in KEYS.items():
            table = self.data.get(section, {}) if section else self.data
            if not isinstance(table, dict):
                self.wrong(section, table, "must be a table")
                continue
            for key in table:
                if key not in known:
                    self.wrong(f"{section}.{key}".lstrip("."), table[key], f"unknown key; known are {', '.join(known)}")

    def text(self, key: str, default: str | None = None) -> str:
        section, _, name = key.rpartition(".")
        table = self.data.get(section, {}) if section else self.data
        value = table.get(name, default) if isinstance(table, dict) else default
        if value is None:
            self.mistakes.append(f"{key} is missing; right would be {RIGHT[key]}")
            return ""
        if not isinstance(value, str) or not value.strip():
            self.wrong(key, value, f"a text is needed here: {RIGHT[key]}")
            return ""
        return value

    def fitting(self, key: str, pattern: re.Pattern[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value and not pattern.fullmatch(value):
            self.wrong(key, value, RIGHT[key])
        return value

    def path(self, key: str) -> Path:
        return self.folder / self.text(key)

    def file(self, key: str) -> Path:
        path = self.path(key)
        if self.text(key) and not path.is_file():
            self.wrong(key, str(path), "there is no such file")
        return path

    def checked(self, key: str, read: Callable[[str], Value | None], otherwise: Value) -> Value:
        text = self.text(key)
        value = read(text) if text else None
        if text and value is None:
            self.wrong(key, text, RIGHT[key])
        return otherwise if value is None else value
