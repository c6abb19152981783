"""Rows of claims, enrolments, epochs, certificates and signed configurations: how hardware comes to write a history."""

from dataclasses import asdict
from typing import Any

from cloud_server.core.enrolment import Claim, Enrolment
from cloud_server.core.fleet import OpenedEpoch
from cloud_server.store import tables_enrolment as t
from cloud_server.store.rows import Rows
from protocol.messages import BatchHead


class EnrolmentRows(Rows):
    """Claims and what came of them."""

    def claim(self, box: str) -> Claim | None:
        """The claim made last for a box."""
        row = self._one(self._of(t.Claim).where(t.Claim.box == box))
        return Claim(**row) if row is not None else None

    def put_claim(self, claim: Claim) -> None:
        """Store a claim; an earlier one of the same box no longer holds."""
        self._put(t.Claim, ("box",), [asdict(claim)])

    def enrolment(self, box: str) -> Enrolment | None:
        """The request of a box that waits, or was taken in."""
        row = self._one(self._of(t.Enrolment).where(t.Enrolment.box == box))
        if row is None:
            return None
        return Enrolment(raw=bytes(row.pop("line")), **row)

    def enrolments(self) -> dict[str, Enrolment]:
        """All requests by box."""
        rows = self._all(self._of(t.Enrolment))
        return {row["box"]: Enrolment(raw=bytes(row.pop("line")), **row) for row in rows}

    def put_enrolment(self, enrolment: Enrolment) -> None:
        """Store what a box asked; an earlier request of the same box is replaced."""
        row = asdict(enrolment)
        row["line"] = row.pop("raw")
        self._put(t.Enrolment, ("box",), [row])

    def add_epoch(self, epoch: OpenedEpoch) -> None:
        """Store a new epoch and fence all earlier ones of its box."""
        mine = (t.Epoch.site == self._site) & (t.Epoch.box == epoch.box)
        fence = t.Epoch.update(fenced_at_ms=epoch.opened_at_ms)
        self._run(fence.where(mine & t.Epoch.fenced_at_ms.is_null()))
        closes = epoch.closes
        row = asdict(epoch)
        row.pop("closes")
        row |= {
            "closes_epoch": closes.epoch if closes is not None else None,
            "closes_seq": closes.seq if closes is not None else None,
            "closes_hash": closes.hash if closes is not None else None,
        }
        self._insert(t.Epoch, [row])

    def epochs(self, box: str) -> list[OpenedEpoch]:
        """All epochs of a box, oldest first."""
        query = self._of(t.Epoch).where(t.Epoch.box == box).order_by(t.Epoch.epoch)
        return list(self._memory.known(("epochs", box), lambda: list(map(epoch_from_row, self._all(query)))))

    def box_of_key(self, keyid: str) -> str | None:
        """The box whose record key, of this epoch or an earlier one, has this id."""
        query = self._of(t.Epoch, t.Epoch.box).where(t.Epoch.keyid == keyid)
        rows = self._memory.known(("box_of_key", keyid), lambda: self._tuples(query))
        return rows[0][0] if rows else None

    def add_certificate(self, box: str, serial: str, keyid: str, pem: str, made_at_ms: int, ends_at_ms: int) -> None:
        """Store a certificate chain that was made for a box's TLS key."""
        row = {
            "box": box,
            "serial": serial,
            "keyid": keyid,
            "pem": pem,
            "made_at_ms": made_at_ms,
            "ends_at_ms": ends_at_ms,
        }
        self._insert(t.Certificate, [row])

    def newest_certificate(self, box: str) -> str | None:
        """The chain made last for a box, as PEM."""
        query = self._of(t.Certificate, t.Certificate.pem).where(t.Certificate.box == box)
        row = self._one(query.order_by(t.Certificate.made_at_ms.desc()))
        return row["pem"] if row is not None else None

    def add_configuration(self, box: str, version: int, text_hash: str, text: str, made_at_ms: int) -> None:
        """Store a configuration that was signed."""
        row = {"box": box, "version": version, "hash": text_hash, "text": text, "made_at_ms": made_at_ms}
        self._insert(t.BoxConfiguration, [row])

    def configuration(self, box: str, version: int) -> tuple[str, str] | None:
        """Hash and text of a configuration that was signed."""
        query = self._of(t.BoxConfiguration, t.BoxConfiguration.hash, t.BoxConfiguration.text)
        query = query.where((t.BoxConfiguration.box == box) & (t.BoxConfiguration.version == version))
        rows = self._memory.known(("configuration", box, version), lambda: self._tuples(query))
        return (rows[0][0], rows[0][1]) if rows else None

    def newest_configuration_with(self, box: str, meter: str) -> str | None:
        """The text of the newest configuration of a box in which a meter stands."""
        c = t.BoxConfiguration
        query = self._of(c, c.text).where((c.box == box) & c.text.contains(meter))
        rows = self._tuples(query.order_by(c.version.desc()).limit(1))
        return rows[0][0] if rows else None


def epoch_from_row(row: dict[str, Any]) -> OpenedEpoch:
    """An epoch from its columns; takes the dictionary apart."""
    number, seq, line_hash = row.pop("closes_epoch"), row.pop("closes_seq"), row.pop("closes_hash")
    closes = BatchHead(epoch=number, seq=seq, hash=line_hash) if number is not None else None
    return OpenedEpoch(closes=closes, **row)
