"""The word `provision limits`: options, what it asks, what it shows."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocol.units import amount_to_text
from provisioning.limits import Signed, Wanted, sign, signed_now, wanted
from provisioning.options import UsageFault


def add_words(
    words: Any,
    show: Callable[..., int],
    passphrase_of: Callable[..., str | None],
    agreed: Callable[[str], bool],
) -> None:
    """Add it; `show` prints a result, `passphrase_of` and `agreed` ask at the terminal."""
    parser = words.add_parser("limits", help="bounds that boxes keep whatever the centre signs, signed by the root")
    parser.add_argument("--dir", type=Path, required=True, help="folder of the centre")
    parser.add_argument("--root", type=Path, metavar="DIR", help="folder of the root key, for example on a stick")
    parser.add_argument(
        "--greatest-grant", required=True, metavar="AMOUNT", help="most that one recharge may be: 5000.00"
    )
    parser.add_argument("--greatest-price", required=True, metavar="PRICE", help="most that a kWh may cost: 3.00")
    parser.add_argument(
        "--protected", action="append", default=[], metavar="METER", help="id of a meter that nothing opens; repeatable"
    )
    parser.add_argument("--box", metavar="ID", help="for this box alone; left out, for all and in the place of all")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--passphrase-file", type=Path, metavar="FILE", help="passphrase of the root key")
    secret.add_argument("--no-passphrase", action="store_true", help="the root key is open: a trial")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")

    def run(options: argparse.Namespace) -> int:
        asked = wanted(options.box, options.greatest_grant, options.greatest_price, options.protected)
        now = signed_now(options.dir.absolute(), (options.root or options.dir / "root").absolute())
        if not options.json:
            sys.stdout.write(f"{_plan(now, asked)}\n")
        if not (options.yes or agreed("Sign it?")):
            raise UsageFault("nothing was signed; say yes, or add --yes")
        limits = sign(now, asked, passphrase_of(options, new=False))
        text = f"Limits {limits.limits_generation} are in {now.path}: start the centre anew; boxes take them at once."
        return show(options, text, limits_generation=limits.limits_generation, file=str(now.path))

    parser.set_defaults(run=run)


def _plan(now: Signed, asked: Wanted) -> str:
    """What is in force and what comes, for the person who is asked."""
    lines = [
        f"in force  {limits.limits_generation}: {_words(limits.box, limits.greatest_grant_micro)}, "
        f"a kWh at most {limits.greatest_price_micro / 1_000_000:.6f}, {len(limits.protected_always)} meters protected"
        for _, limits in now.lines
    ]
    price = f"a kWh at most {asked.greatest_price_micro / 1_000_000:.6f}"
    coming = f"{_words(asked.box, asked.greatest_grant_micro)}, {price}, {len(asked.protected_always)} meters protected"
    return "\n".join([*lines, f"to sign   {now.next_generation}: {coming}"])


def _words(box: str | None, grant_micro: int) -> str:
    return f"{'all boxes' if box is None else f'box {box}'}: a recharge at most {amount_to_text(grant_micro)}"
