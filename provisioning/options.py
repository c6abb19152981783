"""Options of the command `provision` that say where things are, and what follows from them. Prints nothing."""

import argparse
import os
import tomllib
from pathlib import Path
from typing import Any, Final

from provisioning.centre_api import CentreApi

TOKEN_VARIABLE: Final = "TALLYBOX_TOKEN"  # noqa: S105 — the name of a variable, not a secret


class UsageFault(Exception):
    """Options that do not go together or name nothing; the text says which and what would be right."""


def centre_settings(folder: Path) -> dict[str, Any]:
    """The settings of the centre in a folder that `init` made. Raises UsageFault."""
    path = folder / "centre.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as fault:
        raise UsageFault(f"--dir: {path} cannot be read: {fault}") from None


def connect(options: argparse.Namespace) -> CentreApi:
    """A connection with the centre that the options name. Raises UsageFault, ApiFault."""
    url, ca_file, token = options.url, options.ca, os.environ.get(TOKEN_VARIABLE, "")
    if options.dir is not None:
        read = centre_settings(options.dir)
        try:
            url, ca_file = url or read["public_url"], ca_file or Path(read["keys"]["dir"]) / "ca.pem"
        except KeyError as fault:
            raise UsageFault(f"--dir: {options.dir / 'centre.toml'} lacks {fault}") from None
    if options.token_file is not None:
        token = options.token_file.read_text(encoding="utf-8").strip()
    lacks = [
        text
        for text, given in (
            ("--url https://centre:port (or --dir)", url),
            ("--ca FILE, the certificate of the site's authority (or --dir)", ca_file),
            (f"--token-file FILE (or {TOKEN_VARIABLE})", token),
        )
        if not given
    ]
    if lacks:
        raise UsageFault(f"to speak with the centre these are needed: {'; '.join(lacks)}")
    return CentreApi(str(url), Path(ca_file), token)


def add_init_options(init: argparse.ArgumentParser) -> None:
    """Options of `provision init`."""
    init.add_argument("--dir", type=Path, required=True, help="folder of the centre")
    init.add_argument("--site", required=True, metavar="NAME", help="name of the site")
    init.add_argument("--url", required=True, help="address of the centre for browsers and boxes: https://HOST[:PORT]")
    init.add_argument("--zone", default="Asia/Shanghai", help="time zone (Asia/Shanghai)")
    init.add_argument("--currency", default="CNY", help="ISO 4217 (CNY)")
    init.add_argument(
        "--listen", metavar="ADDRESS:PORT", help="where the centre listens (all addresses, port of --url)"
    )
    init.add_argument("--journal", type=Path, metavar="DIR", help="folder of the journal, on another disk")
    init.add_argument("--root", type=Path, metavar="DIR", help="folder of the root key, for example on a stick")
    init.add_argument(
        "--second-factor",
        choices=("demanded", "offered"),
        default="demanded",
        help="of supervisors, provisioners and administrators (demanded)",
    )
    secret = init.add_mutually_exclusive_group()
    secret.add_argument("--passphrase-file", type=Path, metavar="FILE", help="passphrase of the root key")
    secret.add_argument("--no-passphrase", action="store_true", help="leave the root key open: for a trial only")
    init.add_argument("--yes", action="store_true", help="do not ask")
    init.add_argument("--dry-run", action="store_true", help="show the plan and make nothing")
    init.add_argument("--json", action="store_true", help="the result as one JSON object")


def add_centre_options(words: argparse.ArgumentParser) -> None:
    """Options that say where the centre is and who asks."""
    words.add_argument("--dir", type=Path, help="folder of the centre, when on its machine")
    words.add_argument("--url", help="address of the centre")
    words.add_argument("--ca", type=Path, metavar="FILE", help="certificate of the site's authority")
    words.add_argument(
        "--token-file", type=Path, metavar="FILE", help=f"token with the scope provision ({TOKEN_VARIABLE})"
    )
