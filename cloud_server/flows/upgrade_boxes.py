"""Boxes are ordered to become another version of their program; the bundle is kept where they fetch it.

What is in a bundle is judged by the box, against the root's signature and every hash; here only its line is looked at,
so that no box is ordered what it would refuse.
"""

import shutil
import zipfile
from pathlib import Path
from typing import Final

from cloud_server.core.fleet import BoxState
from cloud_server.core.mistakes import NotFound, mistaken
from cloud_server.flows.centre import Centre
from cloud_server.flows.sign_lines import issue_command
from protocol.bundle import BUNDLE_BYTES_MAX, ENDING, LINE_NAME, version_number
from protocol.commands import Upgrade
from protocol.envelope import Line, check_signature, read_line
from protocol.errors import WireError
from protocol.limits import LINE_BYTES_MAX
from protocol.messages import Bundle
from protocol.payload import read_payload

FOLDER: Final = "bundles"
"""In the centre's state directory."""


def order_upgrade(centre: Centre, box: str, file: Path, folder: Path, not_before_ms: int, by: str) -> Upgrade:
    """Keep the bundle and sign the order for one box. Raises NotFound, Mistaken."""
    line, bundle = _read(centre, file)
    body = Upgrade(version=bundle.version, bundle_hash=line.hash, not_before_ms=not_before_ms)
    with centre.store.write() as unit:
        row = unit.fleet.box(box)
        if row is None:
            raise NotFound("box", box)
        if row.state is not BoxState.ENROLLED:
            raise mistaken("box", row.name, f"is {row.state}; only a box in service is upgraded over the fibre")
        _keep(file, folder, line.hash)
        issue_command(centre, unit, row, body, by)
        detail = {"version": bundle.version, "bundle": line.hash}
        unit.audit.append(centre.clock.wall_ms(), by, "upgrade_ordered", box, detail)
    centre.journal.append_unmarked()
    centre.wake.wake(box)
    return body


def _read(centre: Centre, file: Path) -> tuple[Line, Bundle]:
    """The bundle's line, as the root signed it for this site."""
    try:
        if file.stat().st_size > BUNDLE_BYTES_MAX:
            raise mistaken("bundle", str(file), f"more than {BUNDLE_BYTES_MAX} bytes")
        with zipfile.ZipFile(file) as archive, archive.open(LINE_NAME) as told:
            line = read_line(told.read(LINE_BYTES_MAX + 1).strip())
        check_signature(line, {centre.authority.root_public.keyid: centre.authority.root_public})
        bundle = read_payload(line.payload, Bundle)
    except (OSError, zipfile.BadZipFile, KeyError, WireError) as fault:
        raise mistaken("bundle", str(file), f"{fault}; right would be a file that `provision bundle` made") from None
    if bundle.site != centre.site.site or version_number(bundle.version) is None:
        raise mistaken("bundle", str(file), f"is version {bundle.version} for site {bundle.site}")
    return line, bundle


def _keep(file: Path, folder: Path, line_hash: str) -> None:
    """Put it where boxes fetch it, whole or not at all."""
    folder.mkdir(mode=0o700, exist_ok=True)
    beside = folder / f"{line_hash}.part"
    shutil.copyfile(file, beside)
    beside.replace(folder / f"{line_hash}{ENDING}")
