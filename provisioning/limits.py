"""`provision limits`: bounds that boxes keep whatever the centre's command key signs, signed by the root.

The lines stand in one file of the centre: one for the whole site, and one for each box that has its own. Each new line
has the next number, and a box takes the highest that is for it: a line for the whole site ends those of single boxes.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from protocol.envelope import Line, check_signature, read_line, seal
from protocol.errors import TheirFault
from protocol.ids import is_id
from protocol.limits import INTEGER_MAX
from protocol.messages import Limits
from protocol.payload import read_payload, write_payload
from protocol.signing import public_key_from_text
from protocol.units import BadAmount, Micro, amount_from_text
from provisioning.files import PUBLIC_MODE, SETTINGS_MODE, write_file
from provisioning.init_site import SiteFolder, site_of
from provisioning.keys import read_root

MICRO: Final = 1_000_000
LINES_MAX: Final = 1_000_000
"""Lines of the file that are read: more than boxes of any site."""


class LimitsFault(Exception):
    """The limits cannot be signed as they are asked for, or as the folder is; `mistakes` names each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for: for which box (None: all), and the bounds."""

    box: str | None
    greatest_grant_micro: Micro
    greatest_price_micro: Micro
    protected_always: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """What is signed now: the newest line for the site and for each box that has its own, and the next number."""

    place: SiteFolder
    site: str
    lines: tuple[tuple[Line, Limits], ...]

    @property
    def path(self) -> Path:
        return self.place.keys / "limits.line"

    @property
    def next_generation(self) -> int:
        return 1 + max((limits.limits_generation for _, limits in self.lines), default=0)


def wanted(box: str | None, grant: str, price: str, protected: list[str]) -> Wanted:
    """Read what was typed. Raises LimitsFault with every mistake."""
    mistakes: list[str] = []
    grant_micro = price_micro = 0
    if box is not None and not is_id(box):
        mistakes.append(f"--box {box!r}: is no id; right would be 32 hex digits, as in the plan")
    try:
        grant_micro = amount_from_text(grant)
    except BadAmount as fault:
        mistakes.append(f"--greatest-grant {grant!r}: {fault}")
    try:
        price_micro = _price(price)
    except ValueError:
        mistakes.append(f"--greatest-price {price!r}: right would be a price of a kWh such as 2.50")
    mistakes += [
        f"--protected {meter!r}: is no id; right would be 32 hex digits, as in the plan"
        for meter in protected
        if not is_id(meter)
    ]
    if mistakes:
        raise LimitsFault(mistakes)
    return Wanted(box, grant_micro, price_micro, tuple(dict.fromkeys(protected)))


def _price(text: str) -> Micro:
    """Micro-units of a kWh. Raises ValueError."""
    try:
        micro = Decimal(text.strip()) * MICRO
    except InvalidOperation:
        raise ValueError(text) from None
    if not micro.is_finite() or micro != micro.to_integral_value() or not 0 < micro <= INTEGER_MAX:
        raise ValueError(text)
    return int(micro)


def signed_now(folder: Path, root_folder: Path) -> Signed:
    """What this folder has. Raises LimitsFault."""
    place = SiteFolder(folder, root_folder)
    found = Signed(place, site_of(place.settings), ())
    try:
        raws = found.path.read_bytes().splitlines() if found.path.exists() else []
        root = public_key_from_text(place.root_public.read_text().strip())
        lines = [read_line(raw.strip()) for raw in raws[:LINES_MAX] if raw.strip()]
        for line in lines:
            check_signature(line, {root.keyid: root})
        return Signed(place, found.site, tuple((line, read_payload(line.payload, Limits)) for line in lines))
    except OSError as fault:
        raise LimitsFault([f"{fault.filename}: cannot be read: {fault.strerror}"]) from None
    except TheirFault as fault:
        raise LimitsFault([f"{found.path}: {fault}"]) from None


def sign(now: Signed, asked: Wanted, passphrase: str | None) -> Limits:
    """Sign the next line, keep it beside those that still hold, and tell the centre's settings of the file.

    Raises LimitsFault, KeyFault, OSError.
    """
    place = now.place
    root = read_root(place.root_key, passphrase)
    if root.public.text != place.root_public.read_text().strip():
        raise LimitsFault([f"{place.root_key} is the root of another site: {place.root_public} names another key"])
    limits = Limits(
        site=now.site,
        box=asked.box,
        limits_generation=now.next_generation,
        greatest_grant_micro=asked.greatest_grant_micro,
        greatest_price_micro=asked.greatest_price_micro,
        protected_always=list(asked.protected_always),
    )
    kept = [] if asked.box is None else [line for line, old in now.lines if old.box != asked.box]
    lines = [*kept, seal("limits", write_payload(limits), root)]
    _name_in_settings(place.settings, now.path)
    write_file(now.path, b"".join(line.raw + b"\n" for line in lines), PUBLIC_MODE)
    return limits


def _name_in_settings(settings: Path, path: Path) -> None:
    """`limits_line` in `[keys]`, behind `keys_line`, where it is not there yet; the file has to be there first."""
    text = settings.read_text(encoding="utf-8")
    if re.search(r"(?m)^limits_line\s*=", text):
        return
    named, count = re.subn(
        r"(?m)^(keys_line\s*=.*)$", lambda found: f'{found[1]}\nlimits_line = "{path.absolute()}"', text, count=1
    )
    if not count:
        raise LimitsFault([f"{settings}: has no line keys_line; add to [keys]: limits_line = {str(path.absolute())!r}"])
    if not path.exists():
        write_file(path, b"", PUBLIC_MODE)
    write_file(settings, named.encode(), SETTINGS_MODE)
