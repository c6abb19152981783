"""How a box comes in: a claim, the box's proof of both keys, a person's yes to its fingerprint, its epoch.

Opening an epoch and fencing the one before are one transaction.
"""

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Final

from cloud_server.core.enrolment import (
    Claim,
    Enrolment,
    fingerprint,
    same_fingerprint,
    token_fault,
    token_hash,
)
from cloud_server.core.fleet import Box, BoxState
from cloud_server.core.limits import CLAIM_LASTS_MS
from cloud_server.core.mistakes import NotFound, mistaken
from cloud_server.flows.centre import Centre
from cloud_server.flows.open_epoch import begin_epoch
from cloud_server.ports import BadProof, Unit
from protocol.envelope import Line, check_signature, read_line
from protocol.errors import BadPayload, BadSignature
from protocol.messages import Enrol, EpochWhy, Renew
from protocol.payload import read_payload
from protocol.signing import public_key_from_text

TOKEN_CHANCE_BYTES = 16
CLAIM_FORMAT = 1


class NotTakenIn(Exception):
    """The box may not come in: no valid token, or no proof. The text tells a technician why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The request is good and waits for a person, who compares this fingerprint."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A confirmed box: its certificate chain (PEM) and the lines with keys, limits and epoch."""

    certificate_pem: str
    lines: tuple[Line, ...]


REPLACED: Final = (BoxState.ENROLLED, BoxState.QUARANTINED, BoxState.REVOKED, BoxState.RETIRED)
"""States of a place at which hardware has served: other hardware comes in by a claim of its own."""


def make_claim(centre: Centre, box: str, by: str, *, replaces: bool = False) -> str:
    """A new claim file for a box, as text; an earlier claim no longer holds. Raises NotFound, Mistaken.

    With `replaces` other hardware is to take over a place at which some has served; that goes on until a person has
    confirmed the other's fingerprint.
    """
    token = centre.chance.draw(TOKEN_CHANCE_BYTES).hex()
    now_ms = centre.clock.wall_ms()
    expires_at_ms = now_ms + CLAIM_LASTS_MS
    with centre.store.write() as unit:
        row = _box(unit, box)
        allowed = REPLACED if replaces else (BoxState.PLANNED, BoxState.CLAIMED, BoxState.WAITING)
        if row.state not in allowed:
            right = "only hardware that serves is replaced" if replaces else "other hardware comes in by a replacement"
            raise mistaken("box", row.name, f"is {row.state}; {right}")
        claim = Claim(box=box, token_hash=token_hash(token), made_at_ms=now_ms, expires_at_ms=expires_at_ms, made_by=by)
        unit.enrolments.put_claim(claim)
        if not replaces:
            unit.fleet.save_box(replace(row, state=BoxState.CLAIMED))
        detail = {"expires_at_ms": expires_at_ms, "replaces": replaces}
        unit.audit.append(now_ms, by, "claim_made", box, detail)
    authority = centre.authority
    return "\n".join(
        (
            f"format = {CLAIM_FORMAT}",
            f'site = "{centre.site.site}"',
            f'box = "{box}"',
            f"box_name = {_toml_text(row.name)}",
            f"centre = {_toml_text(centre.site.public_url)}",
            f'ca_pem = """\n{authority.ca_pem.strip()}\n"""',
            f'ca_sha256 = "{authority.ca_sha256}"',
            f'root_key = "{authority.root_public.text}"',
            f'token = "{token}"',
            f"expires_at_ms = {expires_at_ms}",
            "",
        )
    )


def ask_to_enrol(centre: Centre, line: Line) -> Waiting | TakenIn:
    """A box shows its keys and its token; asked again until a person has said yes. Raises NotTakenIn, TheirFault."""
    request, keyid = _proved(centre, line)
    now_ms = centre.clock.wall_ms()
    with centre.store.write() as unit:
        box = unit.fleet.box(request.box)
        claim = unit.enrolments.claim(request.box)
        fault = token_fault(claim, request.token, keyid, now_ms)
        if box is None or claim is None or fault is not None:
            raise NotTakenIn(f"the token is {fault or 'unknown'}; a provisioner makes a new claim for this box")
        if box.state in (BoxState.ENROLLED, BoxState.QUARANTINED) and box.record_key == request.record_key:
            return _taken_in(centre, unit, box)
        other = unit.enrolments.box_of_key(keyid)
        if other is not None:
            raise NotTakenIn("this record key has served before; the box must make a new one")
        if claim.keyid is None:
            unit.enrolments.put_claim(replace(claim, keyid=keyid))
            unit.enrolments.put_enrolment(_enrolment(request, keyid, line, now_ms))
            if box.state not in REPLACED:
                unit.fleet.save_box(replace(box, state=BoxState.WAITING, agent=request.agent, seen_at_ms=now_ms))
            detail = {"fingerprint": fingerprint(keyid), "model": request.hardware.model}
            unit.audit.append(now_ms, f"box {box.name}", "enrolment_asked", box.box, detail)
    centre.live.changed()
    return Waiting(fingerprint(keyid))


def _proved(centre: Centre, line: Line) -> tuple[Enrol, str]:
    """Read the request and check both proofs. The key that signs it stands in it, so it is read first."""
    if line.type_name != "enrol":
        raise BadPayload(f"a line of type enrol is wanted, this is {line.type_name}")
    request = read_payload(line.payload, Enrol)
    key = public_key_from_text(request.record_key)
    check_signature(line, {key.keyid: key})
    if request.site != centre.site.site:
        raise BadPayload(f"site {request.site} is not this site")
    try:
        proof = base64.b64decode(request.csr_proof, validate=True)
        centre.authority.check_proof(request.csr, proof, request.token.encode("ascii"))
    except binascii.Error:
        raise BadPayload("csr_proof is not base64") from None
    except BadProof as fault:
        raise NotTakenIn(str(fault)) from None
    return request, key.keyid


def _enrolment(request: Enrol, keyid: str, line: Line, now_ms: int) -> Enrolment:
    return Enrolment(
        box=request.box,
        keyid=keyid,
        record_key=request.record_key,
        csr=request.csr,
        agent=request.agent,
        model=request.hardware.model,
        serial=request.hardware.serial,
        raw=line.raw,
        asked_at_ms=now_ms,
    )


def _taken_in(centre: Centre, unit: Unit, box: Box) -> TakenIn:
    raw = unit.lines.line("epoch", box.box, box.epoch)
    pem = unit.enrolments.newest_certificate(box.box)
    assert raw is not None
    assert pem is not None
    limits = centre.authority.limits_for(box.box, 0)
    epoch = centre.authority.countersigned(read_line(raw))
    return TakenIn(pem, (centre.authority.keys_line, *(() if limits is None else (limits,)), epoch))


def confirm(centre: Centre, box: str, typed: str, by: str) -> Box:
    """A provisioner compared the fingerprint on the box: it gets its epoch, certificate and waiting grants.

    Raises NotFound, Mistaken.
    """
    with centre.store.write() as unit:
        row = _box(unit, box)
        asked = unit.enrolments.enrolment(box)
        if asked is None or not (row.state is BoxState.WAITING or replacement_waits(unit, row)):
            raise mistaken("box", row.name, f"is {row.state}; only a box that waits can be confirmed")
        if not same_fingerprint(typed, asked.keyid):
            raise mistaken("fingerprint", typed, f"the box that asked has {fingerprint(asked.keyid)}")
        now_ms = centre.clock.wall_ms()
        request = read_payload(read_line(asked.raw).payload, Enrol)
        proof = base64.b64decode(request.csr_proof, validate=True)
        certificate = centre.authority.certify(box, asked.csr, proof, request.token.encode("ascii"), now_ms)
        unit.enrolments.add_certificate(
            box, certificate.serial, asked.keyid, certificate.pem, now_ms, certificate.ends_at_ms
        )
        why = _why(row)
        row = begin_epoch(centre, unit, replace(row, record_key=asked.record_key), asked.keyid, why)
        detail = {"fingerprint": fingerprint(asked.keyid), "epoch": row.epoch, "why": why}
        unit.audit.append(now_ms, by, "box_confirmed", box, detail)
    centre.fail_point("confirm_committed")
    centre.journal.append_unmarked()
    centre.wake.wake(box)
    centre.live.changed()
    return row


def replacement_waits(unit: Unit, box: Box) -> bool:
    """Whether other hardware has shown its keys for a place that has some, and waits for a person."""
    claim, asked = unit.enrolments.claim(box.box), unit.enrolments.enrolment(box.box)
    if box.state not in REPLACED or claim is None or asked is None or claim.keyid != asked.keyid:
        return False
    return unit.enrolments.box_of_key(asked.keyid) is None


def _why(box: Box) -> EpochWhy:
    if box.epoch == 0:
        return "enrolled"
    return "forked" if box.state is BoxState.QUARANTINED else "replaced"


def renew(centre: Centre, line: Line) -> TakenIn:
    """A new certificate for a box that its record key speaks for. Raises NotTakenIn, TheirFault."""
    if line.type_name != "renew":
        raise BadPayload(f"a line of type renew is wanted, this is {line.type_name}")
    now_ms = centre.clock.wall_ms()
    with centre.store.write() as unit:
        box = _signer(unit, line)
        request = read_payload(line.payload, Renew)
        if (request.site, request.box) != (centre.site.site, box.box):
            raise NotTakenIn("the request names another box than its key")
        try:
            proof = base64.b64decode(request.csr_proof, validate=True)
            proved = request.nonce.encode("ascii")
            certificate = centre.authority.certify(box.box, request.csr, proof, proved, now_ms)
        except (binascii.Error, BadProof) as fault:
            raise NotTakenIn(str(fault)) from None
        keyid = line.signatures[0][0]
        unit.enrolments.add_certificate(
            box.box, certificate.serial, keyid, certificate.pem, now_ms, certificate.ends_at_ms
        )
        unit.audit.append(now_ms, f"box {box.name}", "certificate_renewed", box.box, {"serial": certificate.serial})
    return TakenIn(certificate.pem, (centre.authority.keys_line,))


def _signer(unit: Unit, line: Line) -> Box:
    """The box whose record key of this epoch signed the line."""
    for keyid, _ in line.signatures:
        name = unit.enrolments.box_of_key(keyid)
        box = unit.fleet.box(name) if name is not None else None
        if box is None or box.record_key is None or not box.believed or unit.memory.is_revoked(keyid):
            continue
        key = public_key_from_text(box.record_key)
        try:
            check_signature(line, {key.keyid: key})
        except BadSignature:
            continue
        return box
    raise NotTakenIn("no box that is believed signed this")


def _box(unit: Unit, box: str) -> Box:
    row = unit.fleet.box(box)
    if row is None:
        raise NotFound("box", box)
    return row


def _toml_text(text: str) -> str:
    """A text as a basic string of TOML (v1.0.0, String)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
