"""`edge-agent check`: everything that can be said about this box without touching a bus, all mistakes at once."""

import os
import sqlite3
from pathlib import Path

from edge_agent.clock import SystemClock
from edge_agent.config import BadConfig, BoxFile, PortKind, read_box_file, read_claim
from edge_agent.console.local_socket import AgentUnreachable, ask
from edge_agent.flows.box_books import book_breaches
from edge_agent.health import free_bytes
from edge_agent.ports import StoreFault
from edge_agent.store.database import library_warning
from edge_agent.store.opening import FILE_NAME, open_store
from edge_agent.sync.identity import IdentityFault, is_enrolled, read_identity

FREE_BYTES_LEAST = 256 * 1024 * 1024
"""Room that a box needs for a month without the fibre, several times over."""


def check_box(path: Path, store: Path | None = None) -> tuple[list[str], list[str]]:
    """Mistakes, and notes that are no mistakes. `store`: a folder with a copy of the store, looked at instead of it.

    The copy may be migrated by looking at it: so a new version of the program is tried before it is started.
    """
    notes: list[str] = []
    try:
        box_file = read_box_file(path)
    except BadConfig as fault:
        return fault.mistakes, notes
    mistakes, ports = _state_dir(box_file), _ports(box_file)
    # An adapter that is unplugged is no reason against another version of the program.
    (mistakes if store is None else notes).extend(ports)
    if is_enrolled(box_file.state_dir):
        try:
            identity = read_identity(box_file.state_dir)
            notes.append(f"enrolled as box {identity.place.box_name} ({identity.place.box})")
            notes.append(f"fingerprint {identity.fingerprint}")
        except IdentityFault as fault:
            mistakes.append(str(fault))
    else:
        mistakes += _claim(box_file)
        notes.append("not enrolled yet: run `edge-agent enrol`")
    store_mistakes, store_notes = _books(box_file.state_dir) if store is None else _stored_books(store)
    mistakes += store_mistakes
    notes += store_notes
    warning = library_warning()
    if warning is not None:
        notes.append(f"SQLite {sqlite3.sqlite_version}: {warning}")
    return mistakes, notes


def _ports(box_file: BoxFile) -> list[str]:
    """Each serial device must be there and be ours to open; a gateway is looked for when it is used."""
    found = []
    for name, port in box_file.buses.items():
        place = f"{box_file.path}: [bus.{name}]"
        if port.kind is not PortKind.SERIAL:
            continue
        if not Path(port.address).exists():
            right = "a device that is plugged in (see /dev/serial/by-id)"
            found.append(f"{place} serial = {port.address!r} does not exist; right would be {right}")
        elif not os.access(port.address, os.R_OK | os.W_OK):
            right = "one that this user may open (group dialout)"
            found.append(f"{place} serial = {port.address!r} may not be opened; right would be {right}")
    return found


def _state_dir(box_file: BoxFile) -> list[str]:
    folder = box_file.state_dir
    place = f"{box_file.path}: state_dir = {str(folder)!r}"
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(nearest, os.W_OK):
        return [f"{place} cannot be written by this user; right would be a folder of its own"]
    free = free_bytes(nearest)
    if free < FREE_BYTES_LEAST:
        return [f"{place} has {free // 2**20} MiB free; right would be at least {FREE_BYTES_LEAST // 2**20} MiB"]
    return []


def _books(state_dir: Path) -> tuple[list[str], list[str]]:
    """What must always hold of the store's books; asked of the agent where it runs, else read from the store."""
    if not (state_dir / FILE_NAME).exists():
        return [], []
    try:
        answer = ask(state_dir, "check_books")
    except AgentUnreachable:
        return _stored_books(state_dir)
    return _told(state_dir, [str(answer["error"])] if "error" in answer else list(answer["breaches"]))


def _stored_books(folder: Path) -> tuple[list[str], list[str]]:
    try:
        with open_store(folder, SystemClock().wall_ms()) as store:
            return _told(folder, book_breaches(store))
    except StoreFault as fault:
        return [str(fault)], []


def _told(folder: Path, breaches: list[str]) -> tuple[list[str], list[str]]:
    place = folder / FILE_NAME
    return [f"{place}: {breach}" for breach in breaches], [] if breaches else [f"{place}: its books hold"]


def _claim(box_file: BoxFile) -> list[str]:
    if box_file.claim is None:
        return [f'{box_file.path}: claim is missing; right would be the claim file, for example "claim.toml"']
    try:
        read_claim(box_file.claim)
    except BadConfig as fault:
        return fault.mistakes
    return []
