"""Checks of money on the boxes: wallets replayed from records, charges computed again, registers without gaps. Pure."""

from collections.abc import Callable, Iterator, Mapping

from cloud_server.core.box_place import BoxPlace, place_from_text
from cloud_server.core.charge_audit import ChargeFinding, MeterCharge, audit_batch
from cloud_server.core.checkpoint import charge_of
from cloud_server.core.fleet import Box
from cloud_server.core.invariants.evidence import (
    CheckResult,
    Evidence,
    SignedBytes,
    ToldBatch,
    parsed,
    told_batches,
)
from cloud_server.core.invariants.passed_over import checkpoints_of, opened_with, points_within
from cloud_server.core.rest_of_history import books_before
from protocol.commands import Body, Command, Configure, read_body
from protocol.errors import WireError
from protocol.messages import Epoch
from protocol.payload import PayloadType, read_payload
from protocol.records import Interval
from protocol.wallet import replay


def wallets_follow_from_records(evidence: Evidence) -> CheckResult:
    """2. A wallet on its box is grants applied less reclaims less charges, at every batch of its chain."""
    breaches, batches, wallets = [], 0, set()
    excused = {finding.wallet for finding in evidence.findings()}
    for box in evidence.boxes():
        opened, lost = opened_with(evidence, box.box), points_within(evidence, box.box)
        epoch, book = 0, dict[str, int]()
        for batch in told_batches(evidence, box.box):
            batches += 1
            if batch.stored.epoch != epoch:
                epoch = batch.stored.epoch
                state = opened.get(epoch)
                book = {said.wallet: said.book_micro for said in state.wallets} if state is not None else {}
            if batch.at in lost:
                book = books_before(batch.header.wallets, batch.records)
            book = replay(book, batch.records)
            for wallet, said_micro in batch.header.wallets.items():
                wallets.add(wallet)
                if book.get(wallet, 0) != said_micro and wallet not in excused:
                    breaches.append(
                        f"{batch.place}: wallet {wallet} says {said_micro}, records give {book.get(wallet, 0)}"
                    )
    looked = f"{len(wallets)} wallets through {batches} batches"
    return CheckResult("2 wallets follow from their records", looked, tuple(breaches))


def charges_are_exact(evidence: Evidence) -> CheckResult:
    """10. Every charge is energy × price in integers, computed again; a difference has its finding."""
    return _audited(evidence, "10 charges are energy × price", lambda kind: kind != "continuity")


def energy_is_charged_once(evidence: Evidence) -> CheckResult:
    """11. The stretches of each register that were charged follow each other without gap or overlap."""
    return _audited(evidence, "11 energy is charged once", lambda kind: kind == "continuity")


def _audited(evidence: Evidence, name: str, concerns: Callable[[str], bool]) -> CheckResult:
    told = {(f.box, f.epoch, f.seq, f.kind, f.meter) for f in evidence.findings()}
    breaches, intervals, excused = [], 0, 0
    for box in evidence.boxes():
        for batch, findings in _walk(evidence, box):
            intervals += sum(isinstance(record, Interval) for record in batch.records)
            for found in findings:
                if not concerns(found.kind):
                    continue
                place = (box.box, batch.stored.epoch, batch.stored.seq, found.kind, found.meter or None)
                if place in told:
                    excused += 1
                else:
                    breaches.append(f"{batch.place} record {found.index} meter {found.meter}: {found.detail}")
    looked = f"{intervals} intervals, {excused} differences with their finding"
    return CheckResult(name, looked, tuple(breaches))


def _walk(evidence: Evidence, box: Box) -> Iterator[tuple[ToldBatch, list[ChargeFinding]]]:
    """Audit a box's batches again from the first one on."""
    places = _places(evidence, box.box)
    signed = {line.number: line for line in evidence.command_lines(box.box)}
    meters: dict[str, MeterCharge] = {}
    versions = _versions(evidence, box.box)
    points = {point.epoch for point in checkpoints_of(evidence, box.box) if not point.within}
    lost = points_within(evidence, box.box)
    opened = opened_with(evidence, box.box) if points else {}
    epoch, version, closed = 0, 0, set[str]()
    for batch in told_batches(evidence, box.box):
        if batch.stored.epoch != epoch:
            if any(epoch < point <= batch.stored.epoch for point in points):
                # What lies between is lost: registers go on from what the line of this epoch says.
                meters = meters | {said.meter: charge_of(said) for said in opened[batch.stored.epoch].meters}
            epoch = batch.stored.epoch
            version = versions.get(epoch, 1)
        if batch.at in lost:
            meters = dict.fromkeys(_meters_told(evidence, box.box), MeterCharge(untold=True))
            version = max([version, *_sent(signed, lost[batch.at].commands_seq)])
        audit = audit_batch(
            batch.records,
            meters,
            version,
            places.get,
            batch.header.rules,
            lambda seq: _signed_body(signed.get(seq)),
            closed,
        )
        meters, version, closed = audit.meters, audit.config_version, audit.closed
        yield batch, audit.findings


def _meters_told(evidence: Evidence, box: str) -> set[str]:
    """Every meter that its box tells of."""
    told = (record for batch in told_batches(evidence, box) for record in batch.records)
    return {record.meter for record in told if isinstance(record, Interval)}


def _sent(signed: Mapping[int, SignedBytes], until: int) -> list[int]:
    """The configurations that a box was sent in commands up to this one."""
    bodies = (_signed_body(signed.get(seq)) for seq in range(1, until + 1))
    return [body.config_version for body in bodies if isinstance(body, Configure)]


def _places(evidence: Evidence, box: str) -> dict[int, BoxPlace]:
    """Each configuration that was signed for a box, by its version, from the signed lines themselves."""
    texts: dict[int, str] = {}
    for stored in evidence.epoch_lines(box):
        epoch = _read(stored, Epoch)
        if epoch is not None:
            texts[epoch.config_version] = epoch.config
    for stored in evidence.command_lines(box):
        command = _read(stored, Command)
        if command is not None and command.kind == "configure":
            body = read_body(command)
            if isinstance(body, Configure):
                texts[body.config_version] = body.config
    return {version: place_from_text(text) for version, text in texts.items()}


def _signed_body(stored: SignedBytes | None) -> Body | None:
    """What a command asked for; None where it is not there or cannot be read."""
    command = _read(stored, Command) if stored is not None else None
    if command is None:
        return None
    try:
        return read_body(command)
    except WireError:
        return None


def _versions(evidence: Evidence, box: str) -> dict[int, int]:
    """The configuration with which each epoch began."""
    epochs = ((stored.number, _read(stored, Epoch)) for stored in evidence.epoch_lines(box))
    return {number: epoch.config_version for number, epoch in epochs if epoch is not None}


def _read(stored: SignedBytes, kind: type[PayloadType]) -> PayloadType | None:
    """What a stored line says; None where its bytes were damaged, which is a breach of its chain."""
    line = parsed(stored.raw)
    if line is None:
        return None
    try:
        return read_payload(line.payload, kind)
    except WireError:
        return None
