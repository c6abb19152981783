"""Who sent a request: the box whose key signed it, as long as that key is believed."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_server.core.fleet import Box
from cloud_server.flows.centre import Centre
from cloud_server.flows.receive_batch import BoxKeys
from cloud_server.flows.recover_box import begin_recovery
from cloud_server.ports import Unit
from protocol.envelope import Line, check_signature
from protocol.errors import BadSignature, TheirFault
from protocol.messages import Epoch, Sync
from protocol.payload import read_payload
from protocol.signing import public_key_from_text


class Stranger(Exception):
    """Nobody who is believed signed this request; the text goes back and says no more than that."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, and by which key."""

    box: Box
    keys: BoxKeys
    sync: Sync
    signer: str


def known_box(unit: Unit, site: str, line: Line) -> Caller | None:
    """Find the box by the key that signed, check, and only then read; None where nobody knows it. Raises BadPayload."""
    for keyid, _ in line.signatures:
        name = unit.enrolments.box_of_key(keyid)
        box = unit.fleet.box(name) if name is not None else None
        if box is None or not box.believed or unit.memory.is_revoked(keyid):
            continue
        keys = keys_of(unit, box.box)
        try:
            signer = check_signature(line, keys.keys)
        except BadSignature:
            continue
        sync = read_payload(line.payload, Sync)
        if (sync.site, sync.box) == (site, box.box):
            return Caller(box, keys, sync, signer.keyid)
    return None


def introduced(centre: Centre, unit: Unit, told: Sequence[Line], line: Line) -> Caller:
    """A box that this centre has forgotten shows its epoch, which this centre has signed. Raises Stranger."""
    for shown in told:
        try:
            check_signature(shown, centre.authority.command_keys)
            epoch = read_payload(shown.payload, Epoch)
            key = public_key_from_text(epoch.record_key)
            check_signature(line, {key.keyid: key})
            sync = read_payload(line.payload, Sync)
        except TheirFault:
            continue
        box = unit.fleet.box(epoch.box)
        if box is None or not box.believed or epoch.epoch <= box.epoch or unit.memory.is_revoked(key.keyid):
            continue
        if (sync.site, sync.box) == (centre.site.site, box.box) == (epoch.site, epoch.box):
            box = begin_recovery(centre, unit, box, "introduced")
            return Caller(box, keys_of(unit, box.box), sync, key.keyid)
    raise Stranger("no box that is believed signed this request")


def serving_key(box: Box) -> str | None:
    """The key of the epoch in force. Hardware that was replaced signs with another: it brings evidence, no more."""
    return public_key_from_text(box.record_key).keyid if box.record_key is not None else None


def keys_of(unit: Unit, box: str) -> BoxKeys:
    """The record keys that a box ever had, and in which epoch."""
    epochs = unit.enrolments.epochs(box)
    return BoxKeys(
        {epoch.keyid: public_key_from_text(epoch.record_key) for epoch in epochs},
        {epoch.epoch: epoch.keyid for epoch in epochs},
    )
