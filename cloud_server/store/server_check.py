"""What a PostgreSQL server is set to that decides whether an acknowledged commit survives: looked at by `check`."""

from typing import Any, Final

from cloud_server.ports.database import PostgresAddress
from cloud_server.store.postgres import TLS_MODES, ask, tls_mode

_LOOKS: Final = (
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', "
    "'synchronous_standby_names', 'data_checksums', 'server_encoding', 'server_version', 'max_connections')",
    "SELECT datcollate, datlocprovider FROM pg_database WHERE datname = current_database()",
    "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')",
    "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
)
WAITS_FOR_STANDBY: Final = ("on", "remote_apply", "remote_write")
COLLATIONS: Final = ("C", "POSIX", "C.UTF-8", "C.utf8", "C.UTF8")
CONNECTIONS_NEEDED: Final = 100
"""Two pools of 44 and two connections apart for one process, with room for an administrator."""


def server_warnings(address: PostgresAddress) -> list[str]:
    """What a person should know, as sentences; an empty list where all is as it should be. Raises DatabaseFault."""
    settings, place, standbys, role = ask(address, _LOOKS)
    said = dict(settings)
    return [
        *tls_warnings(address),
        *_durability(said, int(standbys[0][0])),
        *_text(said, place[0]),
        *_role(said, bool(role[0][0])),
    ]


def tls_warnings(address: PostgresAddress) -> list[str]:
    """What stands between this program and a server elsewhere."""
    mode = tls_mode(address)
    if mode is None or mode in TLS_MODES:
        return []
    return [f"sslmode = {mode}: whoever stands between may read or change the books; verify-full is what it should be"]


def _durability(said: dict[str, str], standbys: int) -> list[str]:
    warnings = []
    for name, loss in (("fsync", "the loss of power"), ("full_page_writes", "a page torn by the loss of power")):
        if said[name] != "on":
            warnings.append(f"{name} = {said[name]}: {loss} destroys the database; it must be on")
    if said["synchronous_commit"] in ("off", "local"):
        warnings.append(
            f"synchronous_commit = {said['synchronous_commit']}: what was acknowledged may be gone after a crash; "
            "it must be on"
        )
    if not said["synchronous_standby_names"]:
        warnings.append(
            "synchronous_standby_names is empty: what was acknowledged survives a crash of this server, not its loss"
        )
    elif not standbys:
        warnings.append(
            f"no standby of {said['synchronous_standby_names']!r} is connected: every commit waits until one is"
        )
    if said["data_checksums"] != "on":
        warnings.append(
            "data_checksums = off: a page that the disk has changed is not noticed (initdb --data-checksums)"
        )
    return warnings


def _text(said: dict[str, str], place: tuple[Any, ...]) -> list[str]:
    warnings = []
    if said["server_encoding"] != "UTF8":
        warnings.append(f"server_encoding = {said['server_encoding']}: names are Chinese; it must be UTF8")
    if place[0] not in COLLATIONS:
        warnings.append(
            f"the database's collation is {place[0]}: our tables compare by bytes all the same, but an upgrade of the "
            "system's library may spoil other indexes; C or C.UTF-8 never changes"
        )
    return warnings


def _role(said: dict[str, str], is_superuser: bool) -> list[str]:
    warnings = []
    if is_superuser:
        warnings.append(
            "this program's role is a superuser: it could switch the guards on rows off; give it one of its own"
        )
    if int(said["max_connections"]) < CONNECTIONS_NEEDED:
        needed = f"one process may use {CONNECTIONS_NEEDED}"
        warnings.append(f"max_connections = {said['max_connections']}: {needed}, and each further one as many")
    return warnings
