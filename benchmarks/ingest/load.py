"""Batches as boxes seal them: real intervals, charges, chains and signatures; made before the clock starts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from benchmarks.ingest.fleet import FleetBox, start_of
from protocol.chain import Head
from protocol.charging import IntervalInput, price_interval
from protocol.envelope import Line, seal
from protocol.messages import Batch, ChainHead, Clock, Sync, write_record
from protocol.payload import write_payload
from protocol.records import Interval, Reading
from protocol.tariff import TariffBook
from protocol.tariff_text import read_tariff

INTERVAL_MS: Final = 1_800_000
BEGIN_MS: Final = 1_793_462_400_000
"""2026-11-01 00:00 in Shanghai: the months of 31 days behind it are made ahead."""
AGENT: Final = "load 1"
NO_COMMANDS: Final = ChainHead(seq=0, hash="0" * 64)


@dataclass
class BoxLoad:
    """One box and where its meters stand."""

    site: str
    box: FleetBox
    book: TariffBook
    head: Head
    at_ms: int = BEGIN_MS
    balances: dict[str, int] = field(default_factory=dict)
    registers: dict[str, tuple[int, Fraction, int, int]] = field(default_factory=dict)
    """Meter -> register, energy carry, money carry, energy of the month."""
    wallet_of: dict[str, str] = field(default_factory=dict)
    nonces: int = 0

    def __post_init__(self) -> None:
        self.balances = {wallet.wallet: 0 for wallet in self.box.config.wallets}
        self.wallet_of = {meter: wallet.wallet for wallet in self.box.config.wallets for meter in wallet.meters}

    def batch(self, intervals: int) -> Line:
        """The next batch: so many half hours of all meters."""
        records: list[Interval] = []
        for _ in range(intervals):
            records += self._half_hour()
        batch = Batch(
            site=self.site,
            box=self.box.box,
            epoch=1,
            seq=self.head.seq + 1,
            prev=self.head.hash,
            boot_id=self.box.box,
            mono_ms=self.at_ms,
            sealed_at_ms=self.at_ms,
            clock=Clock(sure=True, source="server"),
            agent=AGENT,
            rules=1,
            commands_applied=NO_COMMANDS,
            key_generation=1,
            term_seen=1,
            tariff_hashes={t.tariff: {str(t.version): t.hash} for t in self.box.config.tariffs},
            records=[write_record(record) for record in records],
            wallets=dict(self.balances),
        )
        line = seal("batch", write_payload(batch), self.box.key)
        self.head = Head(batch.seq, line.hash)
        return line

    def sync(self, wait_s: int = 0) -> Line:
        """The line that ends a request."""
        self.nonces += 1
        sync = Sync(
            site=self.site,
            box=self.box.box,
            epoch=1,
            nonce=f"{self.box.number:016x}{self.nonces:016x}",
            sent_at_ms=self.at_ms,
            batch_head=ChainHead(seq=self.head.seq, hash=self.head.hash),
            command_head=NO_COMMANDS,
            key_generation=1,
            term_seen=1,
            agent=AGENT,
            wait_s=wait_s,
        )
        return seal("sync", write_payload(sync), self.box.key)

    def _half_hour(self) -> Iterator[Interval]:
        from_ms, to_ms = self.at_ms, self.at_ms + INTERVAL_MS
        self.at_ms = to_ms
        for number, meter in enumerate(self.box.config.meters, start=1):
            yield self._interval(meter.meter, from_ms, to_ms, 100 + (self.box.number * 61 + number * 37) % 900)

    def _interval(self, meter: str, from_ms: int, to_ms: int, energy_wh: int) -> Interval:
        wallet = self.wallet_of[meter]
        raw_wh, carry_wh, carry_nano, month_wh = self.registers.get(meter, (0, Fraction(0), 0, 0))
        given = IntervalInput(
            tariff=self.box.config.meters[0].tariff,
            from_raw_wh=raw_wh,
            from_ms=from_ms,
            to_raw_wh=raw_wh + energy_wh,
            to_ms=to_ms,
            ratio=Fraction(1),
            energy_carry=carry_wh,
            money_carry_nano=carry_nano,
            charged=True,
            month_wh=month_wh,
        )
        priced = price_interval(self.book, given)
        self.registers[meter] = (raw_wh + energy_wh, priced.energy_carry, priced.money_carry_nano, priced.month_wh)
        self.balances[wallet] = self.balances.get(wallet, 0) - priced.charge_micro
        return Interval(
            at_ms=to_ms,
            meter=meter,
            wallet=wallet,
            from_=Reading(raw_wh=raw_wh, at_ms=from_ms),
            to=Reading(raw_wh=raw_wh + energy_wh, at_ms=to_ms),
            source="total",
            ratio_version=1,
            energy_wh=priced.energy_wh,
            energy_carry=(priced.energy_carry.numerator, priced.energy_carry.denominator),
            parts=list(priced.parts),
            charge_micro=priced.charge_micro,
            money_carry_nano=priced.money_carry_nano,
            flags=list(priced.flags),
        )


def make_load(site: str, boxes: list[FleetBox]) -> list[BoxLoad]:
    """A load for each box; they share one tariff book."""
    config = boxes[0].config
    book = TariffBook(config.site.zone, {(t.tariff, t.version): read_tariff(t.text) for t in config.tariffs})
    return [BoxLoad(site, box, book, start_of(box)) for box in boxes]
