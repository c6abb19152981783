"""`provision box`: claims for boxes, what became of them, and a person's yes to a fingerprint."""

import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioning.centre_api import ApiFault, BoxAtCentre, CentreApi
from provisioning.files import SETTINGS_MODE, write_file
from provisioning.toml_text import write_toml

WAITING: Final = "waiting"
"""State of a box that has shown its keys and waits for a person."""
LOOK_AGAIN_S: Final = 0.5


class BoxFault(Exception):
    """The box named is not there, or not as far as the step needs it; the text says which would be."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim file as it was written."""

    box: str
    path: Path
    expires_at_ms: int


def find_box(boxes: list[BoxAtCentre], name: str) -> BoxAtCentre:
    """The box of this name or id. Raises BoxFault that lists what there is."""
    for box in boxes:
        if name in (box.name, box.box):
            return box
    known = ", ".join(box.name for box in boxes) or "none: send the site's plan first (provision site apply)"
    raise BoxFault(f"{name}: no such box; the plan has {known}")


def write_claim(api: CentreApi, name: str, path: Path, centre_address: str | None = None) -> Claim:
    """Get a claim for a box and keep it in a file. `centre_address`: where the box finds the centre, if not by its URL.

    Raises ApiFault, BoxFault, OSError.
    """
    box = find_box(api.boxes(), name)
    return keep_claim(api.claim(box.box), box, path, centre_address)


def keep_claim(text: str, box: BoxAtCentre, path: Path, centre_address: str | None) -> Claim:
    """Keep the text of a claim in a file. Raises ApiFault, OSError."""
    try:
        claim = tomllib.loads(text)
        expires_at_ms = int(claim["expires_at_ms"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as fault:
        raise ApiFault(f"the centre's claim for box {box.name} cannot be read: {fault}") from None
    if centre_address is not None:
        text = write_toml({**claim, "centre": centre_address})
    write_file(path, text.encode(), SETTINGS_MODE)
    return Claim(box.box, path, expires_at_ms)


def confirm(api: CentreApi, name: str, fingerprint: str) -> BoxAtCentre:
    """Confirm a box whose fingerprint was read from its own screen. Raises ApiFault, BoxFault."""
    box = find_box(api.boxes(), name)
    shown = box.fingerprint if box.state == WAITING else box.replacement
    if shown is None:
        raise BoxFault(f"box {box.name} is {box.state}; it must have been enrolled (edge-agent enrol) and wait")
    if _bare(fingerprint) != _bare(shown):
        raise BoxFault(
            f"box {box.name} showed {shown} to the centre, not {fingerprint}: another machine may have used "
            "its claim. Do not confirm; make a new claim"
        )
    api.confirm(box.box, shown)
    return box


def wait_until_waiting(
    api: CentreApi, name: str, timeout_s: float, pause: Callable[[float], None] = time.sleep
) -> BoxAtCentre:
    """Wait until a box has shown its keys, resting by `pause`. Raises BoxFault when it has not by then."""
    end = time.monotonic() + timeout_s
    while True:
        box = find_box(api.boxes(), name)
        if box.state == WAITING and box.fingerprint is not None:
            return box
        if time.monotonic() > end:
            raise BoxFault(f"box {box.name} is {box.state}; after {timeout_s:.0f} s it has not asked to be enrolled")
        pause(LOOK_AGAIN_S)


def _bare(fingerprint: str) -> str:
    return "".join(sign for sign in fingerprint.lower() if sign.isalnum())
