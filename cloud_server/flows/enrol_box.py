"""How a box comes in: a claim, the box's proof of both keys, a person's yes to its fingerprint, its epoch.

Opening an epoch and fencing the one before are one transaction.
"""

import base64
import binascii
from dataclasses import dataclass, replace

from cloud_server.core import accounts
from cloud_server.core.box_place import place_from_config
from cloud_server.core.enrolment import (
    Claim,
    Enrolment,
    fingerprint,
    same_fingerprint,
    token_fault,
    token_hash,
)
from cloud_server.core.epochs import epoch_state
from cloud_server.core.fleet import Box, BoxState, OpenedEpoch
from cloud_server.core.limits import CLAIM_LASTS_MS
from cloud_server.core.mistakes import NotFound, mistaken
from cloud_server.core.planned_site import config_of
from cloud_server.flows.ask_back import sign_waiting_reclaims
from cloud_server.flows.centre import Centre
from cloud_server.flows.sign_lines import sign_waiting_grants
from cloud_server.ports import BadProof, Unit
from protocol.box_config import text_hash, write_config
from protocol.chain import Head
from protocol.envelope import Line, check_signature, read_line
from protocol.errors import BadPayload, BadSignature
from protocol.messages import BatchHead, ChainHead, Enrol, Epoch, EpochWhy, Renew
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


def make_claim(centre: Centre, box: str, by: str) -> str:
    """A new claim file for a box, as text; an earlier claim no longer holds. Raises NotFound, Mistaken."""
    token = centre.chance.draw(TOKEN_CHANCE_BYTES).hex()
    now_ms = centre.clock.wall_ms()
    expires_at_ms = now_ms + CLAIM_LASTS_MS
    with centre.store.write() as unit:
        row = _box(unit, box)
        if row.state not in (BoxState.PLANNED, BoxState.CLAIMED, BoxState.WAITING):
            raise mistaken("box", row.name, f"is {row.state}; a claim is made for a box that was not taken in yet")
        claim = Claim(box=box, token_hash=token_hash(token), made_at_ms=now_ms, expires_at_ms=expires_at_ms, made_by=by)
        unit.enrolments.put_claim(claim)
        unit.fleet.save_box(replace(row, state=BoxState.CLAIMED))
        unit.audit.append(now_ms, by, "claim_made", box, {"expires_at_ms": expires_at_ms})
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
        if box.state not in (BoxState.CLAIMED, BoxState.WAITING):
            raise NotTakenIn(f"this place is {box.state}; a provisioner makes a new claim for it")
        other = unit.enrolments.box_of_key(keyid)
        if other is not None:
            raise NotTakenIn("this record key has served before; the box must make a new one")
        if claim.keyid is None:
            unit.enrolments.put_claim(replace(claim, keyid=keyid))
            unit.enrolments.put_enrolment(_enrolment(request, keyid, line, now_ms))
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
    return TakenIn(pem, (centre.authority.keys_line, *(() if limits is None else (limits,)), read_line(raw)))


def confirm(centre: Centre, box: str, typed: str, by: str) -> Box:
    """A provisioner compared the fingerprint on the box: it gets its epoch, certificate and waiting grants.

    Raises NotFound, Mistaken.
    """
    with centre.store.write() as unit:
        row = _box(unit, box)
        asked = unit.enrolments.enrolment(box)
        if row.state is not BoxState.WAITING or asked is None:
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
        row = open_epoch(centre, unit, replace(row, record_key=asked.record_key), asked.keyid, "enrolled")
        row = sign_waiting_grants(centre, unit, row)
        row = sign_waiting_reclaims(centre, unit, row)
        detail = {"fingerprint": fingerprint(asked.keyid), "epoch": row.epoch}
        unit.audit.append(now_ms, by, "box_confirmed", box, detail)
    centre.fail_point("confirm_committed")
    centre.journal.append_unmarked()
    centre.wake.wake(box)
    centre.live.changed()
    return row


def open_epoch(centre: Centre, unit: Unit, box: Box, keyid: str, why: EpochWhy) -> Box:
    """Sign a box's next epoch with its state and configuration, fence the one before; the box's row after."""
    plan = unit.fleet.plan()
    assert plan is not None
    assert box.record_key is not None
    known = unit.fleet.known_site(centre.site.zone, centre.site.currency)
    planned = next(planned for planned in plan.boxes if planned.box == box.box)
    config = config_of(plan, planned, known.account_states)
    text = write_config(config)
    now_ms = centre.clock.wall_ms()
    closes = None
    if box.epoch > 0:
        head_hash = unit.readings.batch_hash(box.box, box.epoch, box.posted_seq) if box.posted_seq else None
        opened = unit.lines.chain_head("epoch", box.box, journaled_only=False)
        closes = BatchHead(epoch=box.epoch, seq=box.posted_seq, hash=head_hash or opened.hash)
    place = place_from_config(config)
    epoch = Epoch(
        site=centre.site.site,
        box=box.box,
        epoch=box.epoch + 1,
        term=centre.term,
        record_key=box.record_key,
        closes=closes,
        commands_base=ChainHead(seq=box.command_head.seq, hash=box.command_head.hash),
        config_version=box.config_version + 1,
        config=text,
        state=epoch_state(
            place,
            unit.readings.meter_states(box.box),
            unit.readings.wallet_states(box.box),
            unit.ledger.sums(map(accounts.wallet, place.wallets)),
            now_ms,
        ),
        why=why,
        issued_at_ms=now_ms,
    )
    return _store_epoch(centre, unit, box, epoch, keyid)


def _store_epoch(centre: Centre, unit: Unit, box: Box, epoch: Epoch, keyid: str) -> Box:
    line = centre.authority.command_line("epoch", epoch)
    config_hash = text_hash(epoch.config)
    unit.lines.add_lines([(line, box.box, epoch.epoch)], epoch.issued_at_ms)
    unit.enrolments.add_configuration(box.box, epoch.config_version, config_hash, epoch.config, epoch.issued_at_ms)
    unit.enrolments.add_epoch(
        OpenedEpoch(
            box=box.box,
            epoch=epoch.epoch,
            hash=line.hash,
            record_key=epoch.record_key,
            keyid=keyid,
            closes=epoch.closes,
            why=epoch.why,
            opened_at_ms=epoch.issued_at_ms,
        )
    )
    after = replace(
        box,
        state=BoxState.ENROLLED,
        epoch=epoch.epoch,
        batch_head=Head(0, line.hash),
        posted_seq=0,
        config_version=epoch.config_version,
        config_hash=config_hash,
        held_version=epoch.config_version,
    )
    unit.fleet.save_box(after)
    return after


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
        if box is None or box.record_key is None or box.state is BoxState.REVOKED:
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
