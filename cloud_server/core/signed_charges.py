"""Charges proved from the lines that a box signed: each signature and link looked at, each charge computed again. Pure.

A stretch of one chain at a time, for the meters that fed one account. What differs is a fault in words; nothing is
taken from the tables that pages show.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Final, Literal

from cloud_server.core.box_place import BoxPlace
from cloud_server.core.charge_audit import MeterCharge, audit_batch, tariff_findings
from protocol.chain import Head, Link, link
from protocol.commands import Body
from protocol.envelope import check_signature, read_line
from protocol.errors import BadSignature, TheirFault
from protocol.messages import Batch
from protocol.records import Fee, Interval, Record
from protocol.signing import PublicKey
from protocol.units import Micro
from protocol.whole_batch import WholeBatch, read_batch_about

Check = Literal["box_keys", "signatures", "chain", "registers", "charges", "tariffs", "tables", "ledger", "sales"]
CHECKS: Final[tuple[Check, ...]] = (
    "box_keys", "signatures", "chain", "registers", "charges", "tariffs", "tables", "ledger", "sales",
)  # fmt: skip
_OF_FINDING: Final[Mapping[str, Check]] = {"continuity": "registers", "tariff_text": "tariffs"}
"""What an audit finds, by the check that it belongs to; all else is about charges."""


@dataclass(slots=True)
class Proof:
    """How much was looked at and what was found, by check. `charge_micro`: what the lines charge the account."""

    looked_at: dict[Check, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
    faults: dict[Check, list[str]] = field(default_factory=lambda: {check: [] for check in CHECKS})
    charge_micro: Micro = 0

    def look(self, check: Check, count: int = 1) -> None:
        """So many more were looked at."""
        self.looked_at[check] += count

    def find(self, check: Check, fault: str) -> None:
        """Something does not hold."""
        self.faults[check].append(fault)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not any(self.faults.values())


@dataclass(frozen=True, slots=True)
class KeptLine:
    """One batch as it was kept: its number, the hash it was stored under, its bytes."""

    seq: int
    hash: str
    raw: bytes


@dataclass(slots=True)
class ChainWalk:
    """Goes along a stretch of one epoch's batches. `meters` and `wallets` are those of the account."""

    proof: Proof
    name: str
    """Of the box, for people."""
    key: PublicKey
    head: Head | None
    """What the first line has to go on from; None: the stretch begins in the middle, and its first line is believed."""
    meters: Set[str]
    wallets: Set[str]
    config_version: int
    place_of: Callable[[int], BoxPlace | None]
    body_of: Callable[[int], Body | None]
    standing: dict[str, MeterCharge] = field(default_factory=dict)
    lines: int = 0
    first_hash: str = ""

    def take(self, kept: KeptLine, *, counts: bool, charges: bool) -> None:
        """The next line. `counts` False: it only tells where meters stood; `charges`: its charges are the account's."""
        place = f"{self.name} {kept.seq}"
        read = self._read(kept, place)
        if read is None:
            return
        header, records = read
        self.lines += counts
        self.first_hash = self.first_hash or (kept.hash if counts else "")
        self.proof.look("chain", counts)
        head = self.head or Head(header.seq - 1, header.prev)
        if link(head, header.seq, header.prev) is not Link.NEXT or header.seq != kept.seq:
            self.proof.find("chain", f"{place}: does not go on from {head.seq}")
        self.head = Head(kept.seq, kept.hash)
        self._audit(header, records, place, counts=counts)
        if charges:
            charged = [r for r in records if isinstance(r, Interval | Fee) and r.wallet in self.wallets]
            self.proof.look("charges", sum(isinstance(r, Interval) for r in charged))
            self.proof.charge_micro += sum(r.charge_micro for r in charged)

    def _read(self, kept: KeptLine, place: str) -> tuple[Batch | WholeBatch, list[Record]] | None:
        self.proof.look("signatures")
        try:
            line = read_line(kept.raw)
            check_signature(line, {self.key.keyid: self.key})
            if line.hash != kept.hash:
                self.proof.find("signatures", f"{place}: its bytes are not those that were stored")
            return read_batch_about(line.payload, self.meters)
        except (BadSignature, TheirFault) as fault:
            self.proof.find("signatures", f"{place}: {fault}")
            self.head = Head(kept.seq, kept.hash)
            return None

    def _audit(self, header: Batch | WholeBatch, mine: list[Record], place: str, *, counts: bool) -> None:
        audit = audit_batch(mine, self.standing, self.config_version, self.place_of, header.rules, self.body_of)
        self.standing, self.config_version = audit.meters, audit.config_version
        found = [*audit.findings, *tariff_findings(header.tariff_hashes, self.place_of(self.config_version))]
        if not counts:
            return
        self.proof.look("registers", sum(isinstance(record, Interval) for record in mine))
        self.proof.look("tariffs", sum(map(len, header.tariff_hashes.values())))
        for one in found:
            self.proof.find(_OF_FINDING.get(one.kind, "charges"), f"{place}: {one.detail}")
