"""`provision init`: what a site needs before its centre can start. Plans first, then makes what is missing.

Every step can be repeated: what is there is never written again, so a second run changes nothing and an interrupted
one goes on where it stopped.
"""

import ipaddress
import re
import secrets
import time
import tomllib
import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from protocol.ids import make_id
from protocol.signing import SigningKey
from provisioning.authority import (
    certificate_pem,
    key_pem,
    make_ca,
    make_ca_key,
    make_server_certificate,
    sign_keys,
)
from provisioning.files import PUBLIC_MODE, SECRET_MODE, SETTINGS_MODE, make_folder, write_file
from provisioning.keys import (
    KeyFault,
    make_key,
    read_root,
    read_secret_key,
    write_public_key,
    write_root,
    write_secret_key,
)
from provisioning.toml_text import write_toml

HTTPS_PORT: Final = 443
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class InitFault(Exception):
    """The folder holds something that does not fit together; the text names it and what to do."""


@dataclass(frozen=True, slots=True)
class InitRequest:
    """What the site is to be called and where things go.

    `url` is what browsers and boxes use; `listen` the address and port that the centre binds.
    """

    folder: Path
    root_folder: Path
    journal: Path
    name: str
    zone: str
    currency: str
    url: str
    listen: str
    second_factor: Literal["demanded", "offered"] = "demanded"
    """Of supervisors, provisioners and administrators; "offered" is for a trial."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is there or is to be made. `paths` are its files, `what` says it to a person."""

    what: str
    paths: tuple[Path, ...]
    there: bool


class SiteFolder:
    """Where `init` puts each thing."""

    def __init__(self, folder: Path, root_folder: Path) -> None:
        self.settings = folder / "centre.toml"
        self.state = folder / "state"
        self.root_key = root_folder / "root.key"
        self.keys = folder / "keys"
        self.root_public = self.keys / "root.pub"
        self.keys_line = self.keys / "keys.line"
        self.command_key = self.keys / "command.key"
        self.answer_key = self.keys / "answer.key"
        self.ca_key = self.keys / "ca.key"
        self.ca_certificate = self.keys / "ca.pem"
        self.tls_key = folder / "tls" / "centre.key"
        self.tls_certificate = folder / "tls" / "centre.pem"


def find_mistakes(request: InitRequest) -> list[str]:
    """Everything in a request that cannot be right, each with option, value and what would be."""
    found = []
    if not 1 <= len(request.name) <= 100:
        found.append(f"--site: {request.name!r} has {len(request.name)} characters; 1 to 100 are right")
    if request.zone not in zoneinfo.available_timezones():
        found.append(f"--zone: {request.zone!r} is not in the time zone data; right would be Asia/Shanghai")
    if _CURRENCY.fullmatch(request.currency) is None:
        found.append(f"--currency: {request.currency!r} is no currency code (ISO 4217); right would be CNY")
    found += _url_mistakes(request.url)
    host, _, port = request.listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65_535:
        found.append(f"--listen: {request.listen!r} is not ADDRESS:PORT; right would be 127.0.0.1:18443")
    return found


def _url_mistakes(url: str) -> list[str]:
    right = "right would be https://centre.example:18443"
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError as fault:
        return [f"--url: {url!r}: {fault}; {right}"]
    host = parts.hostname or ""
    found = []
    if parts.scheme != "https":
        found.append(f"--url: {url!r} does not begin with https://; {right}")
    if not (_HOST.fullmatch(host) or _is_address(host)) or not port_is_right:
        found.append(f"--url: {url!r} names no host; {right}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        found.append(f"--url: {url!r} has something behind the host; {right}")
    return found


def listen_address(url: str) -> str:
    """Where the centre listens when nothing else is said: on all addresses, or on loopback for a loopback URL."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{'127.0.0.1' if _is_loopback(host) else '0.0.0.0'}:{parts.port or HTTPS_PORT}"  # noqa: S104 — a centre serves the boxes' network


def plan(request: InitRequest) -> list[Step]:
    """What `carry_out` would do, in its order. Raises InitFault where the folder cannot be completed."""
    place = SiteFolder(request.folder, request.root_folder)
    root_there = place.root_public.exists()
    steps = [
        Step("site root key, to be kept apart", (place.root_key, place.root_public), root_there),
        _step("key that signs commands", place.command_key),
        _step("key that signs answers", place.answer_key),
        _step("key of the site's certificate authority", place.ca_key),
        _step("certificate of the authority", place.ca_certificate),
        _step("key of the centre's TLS", place.tls_key),
        _step("certificate of the centre's TLS", place.tls_certificate),
        _step("settings of the centre", place.settings),
        _step("root-signed line that names the centre's keys", place.keys_line),
    ]
    _check_order(place, steps)
    return steps


def _check_order(place: SiteFolder, steps: list[Step]) -> None:
    """Each later thing is made from the earlier ones: one that is there while they are missing cannot be mended."""
    there = {path for step in steps for path in step.paths if step.there}
    for later, earlier in (
        (place.keys_line, (place.root_public, place.command_key, place.answer_key, place.settings)),
        (place.ca_certificate, (place.ca_key,)),
        (place.tls_certificate, (place.tls_key, place.ca_certificate)),
    ):
        lost = [path for path in earlier if path not in there]
        if later in there and lost:
            raise InitFault(
                f"{later} is there, but what it was made from is not: {', '.join(map(str, lost))}. Bring it back from "
                "a backup; for a new site choose an empty folder"
            )
    if place.root_key.exists() and place.root_public not in there:
        raise InitFault(
            f"{place.root_key} is there already and belongs to no site in this folder; choose another place"
        )


def carry_out(request: InitRequest, passphrase: str | None) -> list[Step]:
    """Make what is missing and return the steps that were taken. Raises InitFault, KeyFault, OSError."""
    place = SiteFolder(request.folder, request.root_folder)
    missing = [step for step in plan(request) if not step.there]
    if not missing:
        return []
    now_ms = time.time_ns() // 1_000_000
    for folder in (request.folder, request.root_folder, place.keys, place.tls_key.parent, place.state, request.journal):
        make_folder(folder)
    root = _make_root(place, passphrase)
    command = _own_key(place.command_key)
    answer = _own_key(place.answer_key)
    _make_certificates(place, request, now_ms)
    if not place.settings.exists():
        settings = write_toml(_settings(place, request, make_id(now_ms, secrets.token_bytes(10))))
        write_file(place.settings, settings.encode(), SETTINGS_MODE)
    if not place.keys_line.exists():
        root = root or _present_root(place, passphrase)
        line = sign_keys(root, site_of(place.settings), 1, command, answer, now_ms)
        write_file(place.keys_line, line.raw + b"\n", PUBLIC_MODE)
    return missing


def _make_root(place: SiteFolder, passphrase: str | None) -> SigningKey | None:
    if place.root_public.exists():
        return None
    root = make_key()
    write_root(place.root_key, root, passphrase)
    write_public_key(place.root_public, root)
    return root


def _present_root(place: SiteFolder, passphrase: str | None) -> SigningKey:
    root = read_root(place.root_key, passphrase)
    if root.public.text != place.root_public.read_text().strip():
        raise InitFault(f"{place.root_key} is the root of another site: {place.root_public} names another key")
    return root


def _own_key(path: Path) -> SigningKey:
    if path.exists():
        return read_secret_key(path)
    key = make_key()
    write_secret_key(path, key)
    return key


def _make_certificates(place: SiteFolder, request: InitRequest, now_ms: int) -> None:
    ca_key = _own_tls_key(place.ca_key)
    if not place.ca_certificate.exists():
        write_file(place.ca_certificate, certificate_pem(make_ca(request.name, ca_key, now_ms)), PUBLIC_MODE)
    tls_key = _own_tls_key(place.tls_key)
    if not place.tls_certificate.exists():
        ca = x509.load_pem_x509_certificate(place.ca_certificate.read_bytes())
        host = urlsplit(request.url).hostname or ""
        own = make_server_certificate(ca, ca_key, tls_key.public_key(), host, now_ms)
        # The authority goes with it, so that a desk that has it already sees the whole chain.
        write_file(place.tls_certificate, certificate_pem(own) + certificate_pem(ca), PUBLIC_MODE)


def _own_tls_key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        write_file(path, key_pem(make_ca_key()), SECRET_MODE)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyFault(f"{path}: a P-256 key is needed here")
    return key


def _settings(place: SiteFolder, request: InitRequest, site: str) -> dict[str, str | dict[str, str]]:
    return {
        "state_dir": str(place.state.absolute()),
        "database": f"sqlite:///{place.state.absolute() / 'centre.db'}",
        "journal": str(request.journal.absolute()),
        "listen": request.listen,
        "public_url": request.url.rstrip("/"),
        "site": {"id": site, "name": request.name, "zone": request.zone, "currency": request.currency},
        "tls": {"certificate": str(place.tls_certificate.absolute()), "key": str(place.tls_key.absolute())},
        "keys": {
            "dir": str(place.keys.absolute()),
            "keys_line": str(place.keys_line.absolute()),
            "root_public": str(place.root_public.absolute()),
        },
        "people": {"second_factor": request.second_factor},
    }


def site_of(settings: Path) -> str:
    """The site's id as its centre's settings name it. Raises InitFault."""
    try:
        site = tomllib.loads(settings.read_text())["site"]["id"]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as fault:
        raise InitFault(f"{settings}: the id of the site ([site] id) cannot be read: {fault}") from None
    return str(site)


def _step(what: str, path: Path) -> Step:
    return Step(what, (path,), path.exists())


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
