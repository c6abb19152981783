"""The word `provision bundle`: its options, and what came of it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioning import bundle
from provisioning.install.kinds import KindName
from provisioning.keys import read_root
from provisioning.options import centre_settings

Show = Callable[..., int]
"""Prints words, or facts for a script, and gives the exit code."""


def add_words(words: Any, show: Show) -> None:
    """Add the word, which shows what came of it."""
    made = words.add_parser("bundle", help="a version of the program in one file, signed by the root")
    made.add_argument("--dir", type=Path, required=True, help="folder of the centre, which names the site")
    made.add_argument("--root-key", type=Path, required=True, metavar="FILE", help="the site root's key")
    made.add_argument("--passphrase-file", type=Path, metavar="FILE", help="passphrase of the root key")
    made.add_argument("--wheels", type=Path, required=True, metavar="DIR", help="what `make wheels` made")
    made.add_argument("--version", required=True, help="of the program, as in its wheel: 1.4.0")
    made.add_argument("--centre", action="store_true", help="for the centre's machine, not for boxes")
    made.add_argument(
        "--lock", type=Path, metavar="FILE", help="requirements.lock: refuse wheels that it does not name"
    )
    made.add_argument("--out", type=Path, metavar="FILE", help="the bundle (tallybox-box-VERSION.bundle)")
    made.add_argument("--json", action="store_true", help="the result as one JSON object")
    made.set_defaults(run=_bundle, show=show)


def _bundle(options: argparse.Namespace) -> int:
    """Its hash is what an order to upgrade names; its checksum is compared before it is started the first time."""
    passphrase = None
    if options.passphrase_file is not None:
        passphrase = options.passphrase_file.read_text(encoding="utf-8").strip()
    kind: KindName = "centre" if options.centre else "box"
    out = options.out or Path(bundle.bundle_name(options.version, kind))
    root = read_root(options.root_key, passphrase)
    site = centre_settings(options.dir)["site"]["id"]
    line = bundle.make_bundle(site, options.version, options.wheels, root, out, kind, options.lock)
    beside = bundle.write_checksum(out)
    words = (
        f"{out}: version {options.version}, {line.hash}\n"
        f"On the machine: sha256sum --check {beside.name}, then python3 {out.name} install"
    )
    facts = {"file": str(out), "hash": line.hash, "checksum": str(beside), "kind": kind}
    return int(options.show(options, words, **facts))
