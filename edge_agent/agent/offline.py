"""What can be read of a box whose agent is down: its store, opened and verified as the agent would."""

import secrets
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edge_agent.agent.buses import read_place
from edge_agent.agent.run import who_is
from edge_agent.clock import SystemClock
from edge_agent.config import BoxFile
from edge_agent.flows.courier import next_piece, told_piece
from edge_agent.flows.start_up import NotEnrolled, load_box
from edge_agent.flows.tell import status_of
from edge_agent.health import read_boot_id
from edge_agent.ports import NEEDS_RIGHTS, StoreFault
from edge_agent.store.opening import FILE_NAME, HEAD_NAME, open_store
from edge_agent.store.records import Store
from edge_agent.sync.identity import read_identity
from protocol.box_config import BoxConfig
from protocol.config_text import read_config
from protocol.messages import Batch
from protocol.payload import read_payload

BATCHES_BYTES = 64 * 1024 * 1024
"""Lines looked through at once for `batches show`."""


@contextmanager
def stored(box_file: BoxFile) -> Iterator[Store]:
    """The store of an agent that is down. A box that was never enrolled has none, and none is made for it.

    Raises NotEnrolled, StoreFault.
    """
    folder = box_file.state_dir
    try:
        enrolled = any((folder / name).exists() for name in (FILE_NAME, HEAD_NAME))
    except PermissionError as fault:
        raise StoreFault(f"{fault.filename}: {fault.strerror}; {NEEDS_RIGHTS}") from None
    if not enrolled:
        raise NotEnrolled(f"{folder}: this box is not enrolled; run `edge-agent enrol`")
    with open_store(folder, SystemClock().wall_ms()) as store:
        yield store


def stored_status(box_file: BoxFile) -> dict[str, Any]:
    """The status as far as the store knows it. Raises StoreFault, IdentityFault, NotEnrolled."""
    zoneinfo.reset_tzpath(to=())
    identity = read_identity(box_file.state_dir)
    clock = SystemClock()
    with stored(box_file) as store:
        who = who_is(identity, read_boot_id())
        box, _ = load_box(who, identity.root, store, clock, secrets.token_bytes, read_place, box_file.limits)
        return status_of(box, None, None, None)


def stored_batches(box_file: BoxFile, from_seq: int) -> list[dict[str, Any]]:
    """Batches of the epoch in force from a number on. Raises StoreFault, NotEnrolled."""
    with stored(box_file) as store:
        held = store.load()
        if held is None:
            raise NotEnrolled("this state_dir holds no epoch")
        found = []
        for batch in store.batches(held.marks.epoch, from_seq, BATCHES_BYTES):
            header = read_payload(batch.line.payload, Batch)
            found.append(
                {
                    "epoch": batch.epoch,
                    "seq": batch.seq,
                    "hash": batch.line.hash,
                    "sealed_at_ms": header.sealed_at_ms,
                    "records": len(header.records),
                    "commands_applied": header.commands_applied.seq,
                    "acknowledged": batch.acknowledged,
                    "line": batch.line.raw.decode("ascii"),
                }
            )
        return found


def stored_config(box_file: BoxFile) -> BoxConfig:
    """The newest configuration. Raises StoreFault, NotEnrolled, BadPayload."""
    with stored(box_file) as store:
        held = store.load()
        if held is None or not held.marks.config:
            raise NotEnrolled("this state_dir holds no configuration")
        return read_config(held.marks.config)


def stored_pieces(box_file: BoxFile) -> list[dict[str, Any]]:
    """Everything sealed that the centre has not acknowledged, as pieces for files. Raises StoreFault, NotEnrolled."""
    with stored(box_file) as store:
        held = store.load()
        if held is None:
            raise NotEnrolled("this state_dir holds no epoch")
        found, after = [], None
        while (piece := next_piece(store, held.marks.box, after)) is not None:
            found.append(told_piece(piece))
            after = piece.last
        return found
