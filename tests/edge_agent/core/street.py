"""A box without hardware: the pure core over a small place, time in seconds, relays that obey at the next reading.

Everything here is a thin shell over the real core: it applies each decision and keeps what came of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from edge_agent.bus.packaged import builtin_profile
from edge_agent.core.asked import Asked
from edge_agent.core.decision import Decision, Order, apply
from edge_agent.core.identity import take_serial
from edge_agent.core.limits import BoxLimits
from edge_agent.core.measured import UNKNOWN, MeterReading, RelayPosition
from edge_agent.core.meeting import meter_back, meter_lost, relay_reported, take_reading, tick
from edge_agent.core.opening import open_epoch
from edge_agent.core.orders import carry_out
from edge_agent.core.place import Place, make_place
from edge_agent.core.state import BoxState, Marks, Now
from protocol.box_config import (
    BoxConfig,
    BusConfig,
    Defaults,
    DeviceConfig,
    MeterConfig,
    Ratio,
    SiteConfig,
    TariffText,
    WalletConfig,
    text_hash,
)
from protocol.chain import EMPTY_COMMANDS
from protocol.commands import KIND_OF, Body, Command, Grant, InService, SalePart, write_command_body
from protocol.config_text import read_config, write_config
from protocol.ids import NO_HASH
from protocol.messages import ChainHead, Epoch
from protocol.records import MeterTest, Record
from protocol.state import EpochState

SITE, BOX, BUS, DEVICE, TARIFF, ACCOUNT = (f"{n:032x}" for n in (1, 2, 3, 4, 5, 6))
METERS = tuple(f"{0x100 + n:032x}" for n in range(4))
WALLETS = tuple(f"{0x200 + n:032x}" for n in range(4))
START_MS = 1_763_776_800_000
"""2025-11-22 10:00:00 in Asia/Shanghai."""
YUAN = 1_000_000
KEY_TEXT = "A" * 43 + "="
FLAT = """
name = "flat"
starts_at = 2025-01-01T00:00:00
fallback_rate = "flat"
[rates.flat]
price_micro = 1000000
[days.all]
switches = ["00:00 flat"]
[calendar]
default = "all"
"""


def tariff(text: str, version: int = 1) -> TariffText:
    return TariffText(tariff=TARIFF, version=version, text=text, hash=text_hash(text))


def meter_config(index: int, **changes: object) -> MeterConfig:
    config = MeterConfig(
        meter=METERS[index],
        device=DEVICE,
        bus=BUS,
        unit=index + 1,
        profile="acrel_dtsy1352",
        point=f"{0x300 + index:032x}",
        name=f"M{index}",
        rated_ma=6_000_000,
        phases=3,
        ratios=[Ratio(version=1, from_ms=0, ct=(1, 1), pt=(1, 1))],
        tariff=TARIFF,
    )
    return msgspec.structs.replace(config, **changes)


def wallet_config(index: int, meters: tuple[int, ...] | None = None, **changes: object) -> WalletConfig:
    config = WalletConfig(
        wallet=WALLETS[index],
        account=ACCOUNT,
        account_state="in_use",
        alarm1_micro=20 * YUAN,
        alarm2_micro=5 * YUAN,
        credit_limit_micro=0,
        reconnect_micro=10_000,
        meters=[METERS[m] for m in (meters or (index,))],
    )
    return msgspec.structs.replace(config, **changes)


def box_config(
    meters: tuple[MeterConfig, ...] | None = None,
    wallets: tuple[WalletConfig, ...] | None = None,
    tariffs: tuple[TariffText, ...] = (tariff(FLAT),),
    **defaults: object,
) -> BoxConfig:
    return BoxConfig(
        site=SiteConfig(zone="Asia/Shanghai", currency="CNY", tzdata="2026.6"),
        defaults=Defaults(**defaults),  # type: ignore[arg-type]  # names are checked by the tests that use them
        buses=[BusConfig(bus=BUS, name="A1")],
        devices=[DeviceConfig(device=DEVICE, bus=BUS, name="box A")],
        meters=list(meters if meters is not None else (meter_config(0),)),
        wallets=list(wallets if wallets is not None else (wallet_config(0),)),
        tariffs=list(tariffs),
    )


@dataclass
class Street:
    """The box under test. `at_s` seconds after START_MS on both clocks, unless the wall is moved."""

    config: BoxConfig = field(default_factory=box_config)
    obeys: bool = True
    at_s: int = 0
    wall_offset_ms: int = 0
    sure: bool = True
    records: list[Record] = field(default_factory=list)
    orders: list[tuple[int, Order]] = field(default_factory=list)
    rereads: list[str] = field(default_factory=list)
    serials_wanted: list[str] = field(default_factory=list)
    money_ids: set[str] = field(default_factory=set)
    relays: dict[str, RelayPosition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.place = self.read_place(self.config)
        self.state = BoxState(marks=Marks(site=SITE, box=BOX), config=self.config)
        text = write_config(self.config)
        epoch = Epoch(
            site=SITE, box=BOX, epoch=1, term=1, record_key=KEY_TEXT, config_version=1, config=text,
            commands_base=ChainHead(seq=EMPTY_COMMANDS.seq, hash=EMPTY_COMMANDS.hash),
            state=EpochState(wallets=[], meters=[], open_reclaims=[]), why="enrolled", issued_at_ms=START_MS,
        )  # fmt: skip
        self.take(open_epoch(self.place, epoch, "e" * 64, 1, self.now.wall_ms))

    @staticmethod
    def read_place(config: BoxConfig) -> Place:
        names = {meter.profile for meter in config.meters}
        return make_place(BOX, config, {name: builtin_profile(name) for name in names})

    @property
    def now(self) -> Now:
        return Now(START_MS + self.at_s * 1000 + self.wall_offset_ms, self.at_s * 1000, self.sure)

    def take(self, decision: Decision) -> Decision:
        apply(self.state, decision)
        self.records += decision.records
        self.orders += [(self.at_s, order) for order in decision.orders]
        self.rereads += sorted(decision.reread)
        self.serials_wanted += sorted(decision.read_serials)
        self.money_ids |= set(decision.money_ids)
        if self.obeys:
            for order in decision.orders:
                self.relays[order.meter] = RelayPosition(order.wanted)
        return decision

    def read(self, index: int, raw_wh: int, power_w: int | None = None) -> Decision:
        """Read one meter now; its relay shows where the last obeyed order left it, closed at first."""
        meter = METERS[index]
        reading = MeterReading(
            meter=meter,
            at_mono_ms=self.now.mono_ms,
            at_wall_ms=self.now.wall_ms,
            raw_wh=raw_wh,
            power_w=UNKNOWN if power_w is None else power_w,
            contact=self.relays.get(meter, RelayPosition.CLOSED),
        )
        return self.take(take_reading(self.place, self.state, reading, self.now))

    def begin_anew(self, contact: RelayPosition) -> None:
        """The box starts again, with all relays found in one position; what it was told and did is behind it."""
        self.state.latest.clear()
        for meter, row in list(self.state.meters.items()):
            self.state.meters[meter] = msgspec.structs.replace(row, seen="unknown", switched_at_ms=None)
            self.relays[meter] = contact
        self.records.clear()
        self.orders.clear()

    def tick(self) -> Decision:
        return self.take(tick(self.place, self.state, self.now))

    def lose(self, index: int) -> Decision:
        return self.take(meter_lost(self.place, self.state, METERS[index], self.now))

    def revive(self, index: int) -> Decision:
        return self.take(meter_back(self.place, self.state, METERS[index], self.now))

    def tell_serial(self, index: int, serial: str) -> Decision:
        return self.take(take_serial(self.place, self.state, METERS[index], serial, self.now))

    def report(self, index: int, ok: bool) -> Decision:
        seen = self.relays.get(METERS[index], RelayPosition.CLOSED)
        return self.take(relay_reported(self.place, self.state, METERS[index], seen, ok, self.now))

    def command(self, body: Body, /, **frame: Any) -> Decision:
        """Carry out the next command; its line hash is made from its number."""
        marks = self.state.marks
        command = Command(
            site=SITE, box=BOX, seq=marks.commands_seq + 1, prev=marks.commands_hash or NO_HASH, term=marks.term,
            issued_at_ms=self.now.wall_ms, kind=KIND_OF[type(body)], body=write_command_body(body),
        )  # fmt: skip
        command = msgspec.structs.replace(command, **frame)
        asked = Asked(self.place, self.now, command, self.money_ids.__contains__, BoxLimits(), self.read_place)
        before = marks.config_version
        decision = self.take(carry_out(self.state, asked, f"{command.seq:064x}"))
        if self.state.marks.config_version != before:
            self.place = self.read_place(read_config(self.state.marks.config))
        return decision

    def grant(self, index: int, yuan: int, /, grant: int | None = None, **changes: Any) -> Decision:
        number = grant if grant is not None else 0x1000 + self.state.marks.commands_seq
        amount = yuan * YUAN
        part = SalePart(wallet=WALLETS[index], box=BOX, amount_micro=amount)
        body = Grant(
            grant=f"{number:032x}", wallet=WALLETS[index], amount_micro=amount, cause="sale", parts=[part],
            account=ACCOUNT, operator="cashier", idempotency_key=f"key-{number}", paid_at_ms=self.now.wall_ms,
        )  # fmt: skip
        return self.command(msgspec.structs.replace(body, **changes))

    def in_service(self, *indexes: int) -> None:
        """Put meters in service, each with a passed relay test on its row."""
        for index in indexes:
            row = self.state.meters[METERS[index]]
            test = MeterTest(at_ms=START_MS, meter=row.meter, test="relay", passed=True, who="tester")
            tested = msgspec.structs.replace(row, state=msgspec.structs.replace(row.state, tests=[test]))
            self.take(Decision(meters=(tested,)))
            self.command(InService(meter=METERS[index], on=True))

    def book(self, index: int) -> int:
        return self.state.wallets[WALLETS[index]].state.book_micro

    def of(self, kind: type) -> list[Record]:
        return [record for record in self.records if isinstance(record, kind)]

    def told(self) -> list[str]:
        """What happened, one short text a record, for tables."""
        return [_short(record) for record in self.records]


def _short(record: Record) -> str:
    fields: Mapping[str, object] = {name: getattr(record, name) for name in record.__struct_fields__}
    kind = record.__struct_config__.tag
    said = {
        "alarm": lambda: f"{fields['alarm']} {fields['state']}",
        "relay": lambda: f"relay wanted {fields['wanted']} seen {fields['seen']} ({fields['cause']})",
        "interval": lambda: f"interval {fields['energy_wh']} Wh {fields['charge_micro']}",
        "granted": lambda: f"granted {fields['amount_micro']} -> {fields['book_micro']}",
        "command_result": lambda: f"command {fields['outcome']}" + (f" {fields['reason']}" if fields["reason"] else ""),
        "meter_event": lambda: f"meter {fields['event']}",
        "would": lambda: f"would {fields['wanted']} ({fields['cause']})",
    }
    return said.get(str(kind), lambda: str(kind))()
