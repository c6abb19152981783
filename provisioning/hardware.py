"""`provision box replace | decide | revoke | retire`: what people decide about hardware, said to the centre."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from provisioning import boxes
from provisioning.centre_api import BoxAtCentre, CentreApi
from provisioning.options import UsageFault, add_centre_options, connect

Show = Callable[..., int]
"""Prints words, or facts for a script, and gives the exit code."""
Ask = Callable[[str], bool]
"""Puts a question at the terminal; True for a yes."""


def add_words(box: Any, show: Show, ask: Ask) -> list[argparse.ArgumentParser]:
    """Add the words to `provision box`, which say what they will do, ask, and show what came of it; their parsers."""
    replace = _word(box, "replace", "get a claim for other hardware at a place that has some", _replace, show)
    decide = _word(box, "decide", "after a fork: say which hardware goes on", _decide, show)
    decide.add_argument(
        "--goes-on",
        choices=("present", "new"),
        required=True,
        help="present: the one with the key on record, the other being off; new: other hardware, which gets a claim",
    )
    revoke = _word(box, "revoke", "believe nothing more that the box signs (it was stolen)", _revoke, show)
    retire = _word(box, "retire", "give a place up whose box will not return", _retire, show)
    for parser in (replace, decide):
        parser.add_argument("--out", type=Path, metavar="FILE", help="the claim file (claim-BOX.toml)")
        parser.add_argument(
            "--centre-address", metavar="URL", help="where the box reaches the centre, if not by its URL"
        )
    for parser in (decide, revoke, retire):
        parser.add_argument("--reason", required=True, help="why, in a sentence; it stands in the audit")
    for parser in (replace, decide, revoke, retire):
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.set_defaults(ask=ask)
    return [replace, decide, revoke, retire]


def _word(box: Any, name: str, words: str, run: Any, show: Show) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = box.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    parser.add_argument("box", metavar="BOX", help="its name in the plan, or its id")
    add_centre_options(parser)
    parser.set_defaults(run=run, show=show)
    return parser


def _replace(options: argparse.Namespace) -> int:
    path = _new_file(options)
    with connect(options) as api:
        box = _found(api, options)
        words = "gets a claim for other hardware; an earlier claim ends, and what serves there goes on until a person"
        _agree(options, box, f"{words} has confirmed the other")
        claim = boxes.keep_claim(api.replacement(box.box), box, path, options.centre_address)
    return _say_claim(options, claim)


def _decide(options: argparse.Namespace) -> int:
    path = _new_file(options) if options.goes_on == "new" else None
    with connect(options) as api:
        box = _found(api, options)
        who = (
            "the one with the key on record"
            if options.goes_on == "present"
            else "other hardware, by a claim of its own,"
        )
        _agree(options, box, f"{who} goes on here in a new epoch; every other machine with this key has to be off")
        came = api.decide_hardware(box.box, options.goes_on, options.reason)
        if path is not None:
            return _say_claim(options, boxes.keep_claim(came["claim"], box, path, options.centre_address))
    return _say(options, f"Box {box.name} goes on in epoch {came['epoch']}.", came)


def _revoke(options: argparse.Namespace) -> int:
    return _end(options, "revocation", "is believed no more; other hardware comes in with: provision box replace")


def _retire(options: argparse.Namespace) -> int:
    return _end(options, "retirement", "is given up as soon as a second person says yes at the console")


def _end(options: argparse.Namespace, how: str, words: str) -> int:
    with connect(options) as api:
        box = _found(api, options)
        if box.state == _ENDED[how]:
            return _say(options, f"Box {box.name} is {box.state} already; nothing was changed.", {"state": box.state})
        _agree(options, box, _WHAT_ENDS[how])
        came = api.end_box(box.box, how, options.reason)
    return _say(options, f"Box {box.name} {words}.", came)


_ENDED: Final = {"revocation": "revoked", "retirement": "retired"}
_WHAT_ENDS: Final = {
    "revocation": "nothing that it signs is believed any more, from this moment; sales to its meters wait at the "
    "centre until other hardware stands there. This cannot be taken back",
    "retirement": "once a second person says yes at the console, its place is given up and no claim is made for it",
}


def _agree(options: argparse.Namespace, box: BoxAtCentre, plan: str) -> None:
    """Show what is going to be done, and go on with a person's yes. Raises UsageFault."""
    heard = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(box.seen_at_ms / 1000)) if box.seen_at_ms else "never"
    question = f"Box {box.name} ({box.state}, last heard {heard}): {plan}. Go on?"
    if not (options.yes or options.ask(question)):
        raise UsageFault("nothing was changed; say yes, or add --yes")


def _found(api: CentreApi, options: argparse.Namespace) -> BoxAtCentre:
    return boxes.find_box(api.boxes(), options.box)


def _new_file(options: argparse.Namespace) -> Path:
    path: Path = options.out or Path(f"claim-{options.box}.toml")
    if path.exists():
        raise UsageFault(f"{path} is there already; another name with --out")
    return path


def _say_claim(options: argparse.Namespace, claim: boxes.Claim) -> int:
    ends = time.strftime("%Y-%m-%d %H:%M", time.localtime(claim.expires_at_ms / 1000))
    words = (
        f"{claim.path}: good for one enrolment until {ends}. On the new hardware: edge-agent enrol --config box.toml, "
        "then provision box confirm. The old one serves until then."
    )
    return _say(options, words, {"box": claim.box, "claim": str(claim.path), "expires_at_ms": claim.expires_at_ms})


def _say(options: argparse.Namespace, words: str, facts: Any) -> int:
    return int(options.show(options, words, **facts))
