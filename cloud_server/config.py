"""The centre's configuration file, read with every mistake named: key, value, and what would be right."""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud_server.config_reader import RIGHT, ConfigFault, Reader
from cloud_server.ports import SiteFacts
from cloud_server.ports.database import PostgresAddress
from protocol.ids import is_id
from protocol.zone import is_zone

PORT_MAX: Final = 65_535
BACKUPS_KEPT: Final = 14
"""Two weeks: long enough to notice that something went wrong and to have one from before."""
BACKUPS_KEPT_MAX: Final = 1_000
BAUD: Final = 115_200
BAUD_LEAST: Final = 1_200
BAUD_GREATEST: Final = 921_600
LINK_KEY_NAME: Final = "customer-links.key"
_NUMBER: Final = re.compile(r"\+?\d{3,20}")
_CODE: Final = re.compile(r"[A-Z0-9]{1,8}")
_SECOND_FACTOR: Final = re.compile(r"demanded|offered")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = "postgresql://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that the file says, paths made absolute."""

    path: Path
    state_dir: Path
    database: Path | PostgresAddress
    journal: Path
    host: str
    port: int
    site: SiteFacts
    certificate: Path
    certificate_key: Path
    keys_dir: Path
    keys_line: Path
    limits_line: Path | None
    root_public: Path
    backup: "BackupPlace | None" = None
    messages: "MessagesPlace"
    second_factor_demanded: bool
    """Whether supervisors, provisioners and administrators must have a second factor."""
    trusted_proxies: frozenset[str] = frozenset()
    """Addresses of this machine from which a proxy says whose a connection is and which certificate it showed."""


@dataclass(frozen=True, slots=True)
class BackupPlace:
    """Where backups go, the file with their passphrase, and how many are kept."""

    folder: Path
    passphrase_file: Path
    keep: int


@dataclass(frozen=True, slots=True)
class MessagesPlace:
    """Where messages leave. `modem` None: there is none. `ways`: files with the addresses of other ways, by name."""

    modem: str | None
    baud: int
    pin_file: Path | None
    smsc: str
    link_secret: Path
    """The secret of the links to customers' pages, made where it is missing; several processes share one file."""
    ways: Mapping[str, Path]


def read_config(path: Path) -> Config:
    """Read the file. Raises ConfigFault with all mistakes."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigFault(path, [f"cannot be read: {fault.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigFault(path, [f"is no TOML: {fault}"]) from None
    reader = Reader(path, data)
    reader.unknown_keys()
    if data.get("format", 1) != 1:
        reader.wrong("format", data["format"], "must be 1")
    config = _config(path, reader)
    if reader.mistakes:
        raise ConfigFault(path, list(dict.fromkeys(reader.mistakes)))
    return config


def _config(path: Path, reader: Reader) -> Config:
    """Everything of the file; what is wrong is gathered in the reader and has an empty value here."""
    keys = reader.data.get("keys")
    has_limits = isinstance(keys, dict) and "limits_line" in keys
    no_database: Path | PostgresAddress = Path()
    host, port = reader.checked("listen", _address, ("", 0))
    return Config(
        path=path.absolute(),
        state_dir=reader.path("state_dir"),
        database=reader.checked("database", lambda text: _database(text, reader.folder), no_database),
        journal=reader.path("journal"),
        host=host,
        port=port,
        site=_site(reader),
        certificate=reader.file("tls.certificate"),
        certificate_key=reader.file("tls.key"),
        keys_dir=reader.path("keys.dir"),
        keys_line=reader.file("keys.keys_line"),
        limits_line=reader.file("keys.limits_line") if has_limits else None,
        root_public=reader.file("keys.root_public"),
        backup=_backup(reader),
        messages=_messages(reader),
        second_factor_demanded=reader.fitting("people.second_factor", _SECOND_FACTOR, "demanded") == "demanded",
        trusted_proxies=_proxies(reader),
    )


def _proxies(reader: Reader) -> frozenset[str]:
    """`[proxy] trusted`: only of this machine, since whoever speaks from there may say of himself what he likes."""
    table = reader.data.get("proxy", {})
    given = table.get("trusted", []) if isinstance(table, dict) else []
    if not isinstance(given, list) or not all(isinstance(text, str) and _is_of_this_machine(text) for text in given):
        reader.wrong("proxy.trusted", given, 'a list of loopback addresses, for example ["127.0.0.1"]')
        return frozenset()
    return frozenset(given)


def _is_of_this_machine(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _backup(reader: Reader) -> BackupPlace | None:
    """`[backup]`, where there is one. The folder belongs on another disk, or on one that is carried away."""
    table = reader.data.get("backup")
    if not isinstance(table, dict):
        return None
    keep = table.get("keep", BACKUPS_KEPT)
    if not isinstance(keep, int) or isinstance(keep, bool) or not 1 <= keep <= BACKUPS_KEPT_MAX:
        reader.wrong("backup.keep", keep, f"how many are kept, 1 to {BACKUPS_KEPT_MAX}")
        keep = BACKUPS_KEPT
    return BackupPlace(reader.path("backup.folder"), reader.file("backup.passphrase_file"), keep)


def _messages(reader: Reader) -> MessagesPlace:
    """`[messages]`; without it no modem and no other way."""
    table = reader.data.get("messages", {})
    table = table if isinstance(table, dict) else {}
    baud = table.get("baud", BAUD)
    if not isinstance(baud, int) or isinstance(baud, bool) or not BAUD_LEAST <= baud <= BAUD_GREATEST:
        reader.wrong("messages.baud", baud, f"bits a second, {BAUD_LEAST} to {BAUD_GREATEST}")
        baud = BAUD
    ways = table.get("ways", {})
    if not isinstance(ways, dict) or not all(isinstance(file, str) and name for name, file in ways.items()):
        reader.wrong("messages.ways", ways, "a table: a name, and the file that holds its address")
        ways = {}
    files = {name: reader.folder / file for name, file in ways.items()}
    for name, file in files.items():
        if not file.is_file():
            reader.wrong(f"messages.ways.{name}", str(file), "there is no such file")
    by_default = reader.path("state_dir") / LINK_KEY_NAME
    return MessagesPlace(
        modem=reader.text("messages.modem") if "modem" in table else None,
        baud=baud,
        pin_file=reader.file("messages.pin_file") if "pin_file" in table else None,
        smsc=reader.fitting("messages.smsc", _NUMBER) if "smsc" in table else "",
        link_secret=reader.path("messages.link_secret") if "link_secret" in table else by_default,
        ways=files,
    )


def _site(reader: Reader) -> SiteFacts:
    site = reader.text("site.id")
    if site and not is_id(site):
        reader.wrong("site.id", site, RIGHT["site.id"])
    reader.checked("site.zone", _zone, "")
    url = reader.text("public_url").rstrip("/")
    if url and not url.startswith("https://"):
        reader.wrong("public_url", url, RIGHT["public_url"])
    return SiteFacts(
        site=site,
        name=reader.text("site.name"),
        zone=reader.text("site.zone"),
        currency=reader.fitting("site.currency", _CURRENCY),
        code=reader.fitting("site.code", _CODE, default=site[-4:].upper() or "S"),
        public_url=url,
    )


def _address(text: str) -> tuple[str, int] | None:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and port.isascii()) or int(port) > PORT_MAX:
        return None
    return host.strip("[]"), int(port)


def _database(text: str, folder: Path) -> Path | PostgresAddress | None:
    if text.startswith(_POSTGRES) and len(text) > len(_POSTGRES):
        return PostgresAddress(text)
    if not text.startswith(_SQLITE) or len(text) == len(_SQLITE):
        return None
    return folder / text.removeprefix(_SQLITE)


def _zone(text: str) -> str | None:
    return text if is_zone(text) else None
