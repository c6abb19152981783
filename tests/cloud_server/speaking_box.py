"""A box that speaks the protocol and nothing else: keys, chain, wallets, charges by the shared function.

It knows no edge_agent. What it tells can be bent: `records` are sealed as they are given.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from protocol.box_config import BoxConfig
from protocol.chain import EMPTY_COMMANDS, Head
from protocol.charging import IntervalInput, price_interval
from protocol.commands import (
    AdoptMeter,
    CloseWallet,
    Command,
    Configure,
    Grant,
    Reclaim,
    ReleaseMeter,
    ReplaceMeter,
    Withdraw,
    read_body,
)
from protocol.config_text import read_config
from protocol.display import unwrapped_wh
from protocol.envelope import Line, seal
from protocol.ids import Id
from protocol.messages import (
    Answer,
    Batch,
    BatchHead,
    ChainHead,
    Clock,
    Epoch,
    Live,
    Renew,
    Sync,
    write_record,
)
from protocol.payload import read_payload, write_payload
from protocol.records import (
    CommandResult,
    ConfigApplied,
    Display,
    Granted,
    Interval,
    IntervalFlag,
    Reading,
    Reclaimed,
    Record,
    RefusalReason,
    Released,
    Replaced,
)
from protocol.signing import SigningKey, signing_key
from protocol.tariff import TariffBook
from protocol.tariff_text import read_tariff
from protocol.wallet import replay
from tests.cloud_server.box_papers import enrolment, proof_by, request_for

AGENT = "speaking-box 1"


@dataclass
class SpeakingBox:
    """One piece of hardware at one place."""

    site: Id
    box: Id
    key: SigningKey
    tls: ec.EllipticCurvePrivateKey
    now_ms: int
    epoch: int = 0
    term: int = 1
    batch_head: Head = EMPTY_COMMANDS
    command_head: Head = EMPTY_COMMANDS
    sealed: list[Line] = field(default_factory=list)
    acked_seq: int = 0
    book: dict[str, int] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=dict)
    read_at_ms: dict[str, int] = field(default_factory=dict)
    carries: dict[str, tuple[Fraction, int]] = field(default_factory=dict)
    month_wh: dict[str, int] = field(default_factory=dict)
    config: BoxConfig | None = None
    pending: list[Record] = field(default_factory=list)
    taken: list[Command] = field(default_factory=list)
    refuse: set[int] = field(default_factory=set)
    """Numbers of commands that it will refuse."""
    answered: set[str] = field(default_factory=set)
    """Requests for unused credit that it has answered."""
    withdrawn: set[str] = field(default_factory=set)
    """Those that a command behind them takes back."""
    agent: str = AGENT
    wraps: dict[str, int] = field(default_factory=dict)
    """Where the registers of meters begin anew; the others never do."""
    closed: set[str] = field(default_factory=set)
    """Wallets that it has closed: their meters are fed by none."""
    nonces: int = 0

    # --- coming in ------------------------------------------------------------------------------------------------

    def csr(self) -> str:
        return request_for(self.tls, self.box)

    def prove(self, text: str) -> str:
        return proof_by(self.tls, text)

    def enrol_line(self, token: str) -> Line:
        told = enrolment(self.site, self.box, self.key.public.text, self.tls, token)
        return seal("enrol", write_payload(msgspec.structs.replace(told, agent=self.agent)), self.key)

    def renew_line(self) -> Line:
        nonce = self.nonce()
        renew = Renew(site=self.site, box=self.box, csr=self.csr(), csr_proof=self.prove(nonce), nonce=nonce)
        return seal("renew", write_payload(renew), self.key)

    def open_epoch(self, line: Line) -> None:
        """Take an epoch line: state, configuration, base of the commands."""
        epoch = read_payload(line.payload, Epoch)
        self.epoch, self.term = epoch.epoch, epoch.term
        self.batch_head = Head(0, line.hash)
        self.command_head = Head(epoch.commands_base.seq, epoch.commands_base.hash)
        self.sealed, self.acked_seq = [], 0
        self.config = read_config(epoch.config)
        for wallet in epoch.state.wallets:
            self.book[wallet.wallet] = wallet.book_micro
        for meter in epoch.state.meters:
            self.registers[meter.meter] = meter.raw_wh if meter.raw_wh is not None else 0
            self.read_at_ms[meter.meter] = meter.read_at_ms or self.now_ms
            self.carries[meter.meter] = (Fraction(*meter.energy_carry), meter.money_carry_nano)

    # --- what happens ---------------------------------------------------------------------------------------------

    def use(self, meter: Id, energy_wh: int, for_ms: int = 1_800_000) -> Interval:
        """A meter's register moves on; an interval record is pending."""
        assert self.config is not None
        book = TariffBook(
            self.config.site.zone, {(t.tariff, t.version): read_tariff(t.text) for t in self.config.tariffs}
        )
        placed = next(m for m in self.config.meters if m.meter == meter)
        wallet = next(
            (w.wallet for w in self.config.wallets if meter in w.meters and w.wallet not in self.closed), None
        )
        carry_wh, carry_nano = self.carries[meter]
        begin, from_ms = self.registers[meter], self.read_at_ms[meter]
        given = IntervalInput(
            tariff=placed.tariff,
            from_raw_wh=begin,
            from_ms=from_ms,
            to_raw_wh=begin + energy_wh,
            to_ms=from_ms + for_ms,
            ratio=Fraction(1),
            energy_carry=carry_wh,
            money_carry_nano=carry_nano,
            charged=wallet is not None,
            month_wh=self.month_wh.get(meter, 0),
        )
        priced = price_interval(book, given)
        self.registers[meter], self.read_at_ms[meter] = begin + energy_wh, from_ms + for_ms
        self.carries[meter] = (priced.energy_carry, priced.money_carry_nano)
        self.month_wh[meter] = priced.month_wh
        interval = Interval(
            at_ms=from_ms + for_ms,
            meter=meter,
            wallet=wallet,
            from_=Reading(raw_wh=begin, at_ms=from_ms),
            to=Reading(raw_wh=begin + energy_wh, at_ms=from_ms + for_ms),
            source="total",
            ratio_version=1,
            energy_wh=priced.energy_wh,
            energy_carry=(priced.energy_carry.numerator, priced.energy_carry.denominator),
            parts=list(priced.parts),
            charge_micro=priced.charge_micro,
            money_carry_nano=priced.money_carry_nano,
            flags=list(priced.flags),
        )
        self.pending.append(interval)
        return interval

    def apply(self, line: Line) -> None:
        """Carry a command out, or refuse it."""
        command = read_payload(line.payload, Command)
        if command.seq <= self.command_head.seq:
            return
        assert (command.seq, command.prev) == (self.command_head.seq + 1, self.command_head.hash)
        self.taken.append(command)
        self.command_head = Head(command.seq, line.hash)
        if command.seq in self.refuse:
            self._refuse(command, "unknown_wallet")
            return
        body = read_body(command)
        if isinstance(body, Grant):
            after = self.book.get(body.wallet, 0) + sum(-_charge(r, body.wallet) for r in self.pending)
            granted = Granted(
                at_ms=self.now_ms,
                command=command.seq,
                grant=body.grant,
                wallet=body.wallet,
                amount_micro=body.amount_micro,
                book_micro=after + body.amount_micro,
            )
            self.pending.append(granted)
        elif isinstance(body, Reclaim | Withdraw):
            reason = self._give(command, body) if isinstance(body, Reclaim) else self._too_late(body)
            if reason is not None:
                self._refuse(command, reason)
                return
        elif isinstance(body, CloseWallet):
            self._close(command, body)
        elif isinstance(body, ReplaceMeter):
            self._exchange(body)
        elif isinstance(body, ReleaseMeter):
            self._release(body)
        elif isinstance(body, AdoptMeter):
            self._adopt(body)
        elif isinstance(body, Configure):
            self.config = read_config(body.config)
            applied = ConfigApplied(at_ms=self.now_ms, config_version=body.config_version, hash=body.hash)
            self.pending.append(applied)
        self.pending.append(CommandResult(at_ms=self.now_ms, command=command.seq, outcome="done"))

    def _refuse(self, command: Command, reason: RefusalReason) -> None:
        self.pending.append(
            CommandResult(at_ms=self.now_ms, command=command.seq, outcome="refused", reason=reason, detail="told so")
        )

    def _give(self, command: Command, asked: Reclaim) -> RefusalReason | None:
        """Give back what is there, at most what is asked; why not, where nothing is."""
        if asked.reclaim in self.withdrawn:
            return "withdrawn"
        held = replay(self.book, self.pending).get(asked.wallet, 0)
        amount = min(asked.amount_micro, held - asked.floor_micro)
        if amount <= 0:
            return "nothing_to_give"
        self.answered.add(asked.reclaim)
        reclaimed = Reclaimed(
            at_ms=self.now_ms,
            command=command.seq,
            reclaim=asked.reclaim,
            wallet=asked.wallet,
            amount_micro=amount,
            book_micro=held - amount,
        )
        self.pending.append(reclaimed)
        return None

    def _close(self, command: Command, asked: CloseWallet) -> None:
        """Give everything back; a debt stays in the book. Registers typed are charged first."""
        for said in asked.typed or ():
            self._use_up_to(said.meter, said.raw_wh, "typed")
        self.closed.add(asked.wallet)
        held = replay(self.book, self.pending).get(asked.wallet, 0)
        if held > 0:
            given = Reclaimed(
                at_ms=self.now_ms,
                command=command.seq,
                reclaim=asked.request,
                wallet=asked.wallet,
                amount_micro=held,
                book_micro=0,
            )
            self.pending.append(given)

    def _exchange(self, asked: ReplaceMeter) -> None:
        """The old meter up to its last register, the new one from its first."""
        last = self._use_up_to(asked.old, asked.old_raw_wh, "replaced")
        self.registers[asked.new], self.read_at_ms[asked.new] = asked.new_raw_wh, self.now_ms
        self.carries[asked.new] = (Fraction(0), 0)
        fields = {name: getattr(asked, name) for name in ("point", "old", "new", "serial", "new_raw_wh")}
        told = Replaced(at_ms=self.now_ms, old_raw_wh=last.to.raw_wh, old_display=last.display, **fields)
        self.pending.append(told)

    def _use_up_to(self, meter: str, shown_wh: int, flag: IntervalFlag) -> Interval:
        """A last interval that ends where people read the display."""
        meant_wh = unwrapped_wh(shown_wh, self.registers[meter], self.wraps.get(meter))
        assert meant_wh is not None, "such a register is refused by a box"
        interval = self.use(meter, meant_wh - self.registers[meter])
        display = Display(raw_wh=shown_wh, wrap_wh=self.wraps[meter]) if meant_wh != shown_wh else None
        told = msgspec.structs.replace(interval, flags=[*interval.flags, flag], display=display)
        self.pending[-1] = told
        return told

    def _release(self, asked: ReleaseMeter) -> None:
        """Give a meter up where its register stands."""
        carry_wh, carry_nano = self.carries[asked.meter]
        told = Released(
            at_ms=self.now_ms,
            meter=asked.meter,
            raw_wh=self.registers[asked.meter],
            energy_carry=(carry_wh.numerator, carry_wh.denominator),
            money_carry_nano=carry_nano,
        )
        self.pending.append(told)

    def _adopt(self, asked: AdoptMeter) -> None:
        """Go on where another box has released it."""
        state = asked.state
        self.registers[asked.meter] = state.raw_wh or 0
        self.read_at_ms[asked.meter] = state.read_at_ms or self.now_ms
        self.carries[asked.meter] = (Fraction(*state.energy_carry), state.money_carry_nano)
        self.month_wh[asked.meter] = state.month_wh

    def _too_late(self, body: Withdraw) -> RefusalReason | None:
        return "money_id_known" if body.reclaim in self.answered else None

    # --- lines ----------------------------------------------------------------------------------------------------

    def seal(self, records: Sequence[Record] | None = None, **bent: object) -> Line:
        """Seal what is pending, or the records given, as the next batch. `bent` overrides header fields."""
        told = list(self.pending if records is None else records)
        self.pending = []
        self.book = replay(self.book, told)
        assert self.config is not None
        fields: dict[str, object] = {
            "site": self.site,
            "box": self.box,
            "epoch": self.epoch,
            "seq": self.batch_head.seq + 1,
            "prev": self.batch_head.hash,
            "boot_id": self.box,
            "mono_ms": self.now_ms,
            "sealed_at_ms": self.now_ms,
            "clock": Clock(sure=True, source="server"),
            "agent": self.agent,
            "rules": 1,
            "commands_applied": ChainHead(seq=self.command_head.seq, hash=self.command_head.hash),
            "key_generation": 1,
            "term_seen": self.term,
            "tariff_hashes": {t.tariff: {str(t.version): t.hash} for t in self.config.tariffs},
            "records": [write_record(record) for record in told],
            "wallets": dict(self.book),
        }
        batch = Batch(**(fields | bent))  # type: ignore[arg-type]  # a test bends any field
        line = seal("batch", write_payload(batch), self.key)
        self.batch_head = Head(batch.seq, line.hash)
        self.sealed.append(line)
        return line

    def nonce(self) -> str:
        self.nonces += 1
        return hashlib.sha256(f"{self.box} {self.nonces}".encode()).hexdigest()[:32]

    def sync_line(self, wait_s: int = 0, live: list[Live] | None = None, goes_on_from: BatchHead | None = None) -> Line:
        sync = Sync(
            site=self.site,
            box=self.box,
            epoch=self.epoch,
            nonce=self.nonce(),
            sent_at_ms=self.now_ms,
            batch_head=ChainHead(seq=self.batch_head.seq, hash=self.batch_head.hash),
            command_head=ChainHead(seq=self.command_head.seq, hash=self.command_head.hash),
            key_generation=1,
            term_seen=self.term,
            agent=self.agent,
            wait_s=wait_s,
            goes_on_from=goes_on_from,
            live=live,
        )
        return seal("sync", write_payload(sync), self.key)

    def request(self, wait_s: int = 0) -> list[Line]:
        """All batches that are not acknowledged, and a `sync` line."""
        return [*self.sealed[self.acked_seq :], self.sync_line(wait_s)]

    def take(self, lines: Sequence[Line]) -> Answer:
        """Take an answer: epochs and commands in order, then the acknowledgement."""
        for line in lines:
            body = read_body(read_payload(line.payload, Command)) if line.type_name == "command" else None
            if isinstance(body, Withdraw):
                self.withdrawn.add(body.reclaim)
        for line in lines:
            if line.type_name == "epoch":
                self.open_epoch(line)
            elif line.type_name == "command":
                self.apply(line)
        answer = read_payload(lines[-1].payload, Answer)
        if answer.batch_ack.epoch == self.epoch:
            self.acked_seq = max(self.acked_seq, answer.batch_ack.seq)
        return answer


def _charge(record: Record, wallet: str) -> int:
    if isinstance(record, Interval) and record.wallet == wallet:
        return record.charge_micro
    return -record.amount_micro if isinstance(record, Granted) and record.wallet == wallet else 0


def make_box(site: Id, box: Id, now_ms: int, seed: str = "a") -> SpeakingBox:
    """New hardware for a place: the same seed gives the same record key."""
    key = signing_key(hashlib.sha256(f"{box} {seed}".encode()).digest())
    return SpeakingBox(site, box, key, ec.generate_private_key(ec.SECP256R1()), now_ms)
