"""Charges computed again: what agrees says nothing, what differs is named once, and the audit goes on from the box."""

import msgspec
import pytest

from cloud_server.core.box_place import place_from_config
from cloud_server.core.charge_audit import MeterCharge, audit_batch, tariff_findings
from cloud_server.core.planned_site import config_of
from protocol.box_config import TariffText, text_hash
from protocol.records import ConfigApplied, Interval
from tests.cloud_server.speaking_box import SpeakingBox, make_box
from tests.cloud_server.street import FLAT_TARIFF, TARIFF, box_id, meter_id, street, wallet_id

PLACE = place_from_config(config_of(street("1" * 32), street("1" * 32).boxes[0], {}))
METER = meter_id(1, 1)


@pytest.fixture
def box() -> SpeakingBox:
    made = make_box("1" * 32, box_id(1), 1_795_320_000_000)
    made.config = PLACE.config
    made.registers[METER], made.read_at_ms[METER], made.carries[METER] = 1_000, made.now_ms, (0, 0)  # type: ignore[assignment]  # a fraction of 0
    return made


def kinds(*records: Interval | ConfigApplied, start: MeterCharge | None = None) -> list[str]:
    meters = {METER: start} if start is not None else {}
    return [f.kind for f in audit_batch(records, meters, 1, lambda v: PLACE if v in (1, 2) else None).findings]


def test_what_agrees_says_nothing(box: SpeakingBox) -> None:
    first, second = box.use(METER, 777), box.use(METER, 1)
    assert kinds(first, second) == []
    assert kinds(second, start=MeterCharge(raw_wh=1_777, money_carry_nano=first.money_carry_nano)) == []


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"charge_micro": 1}, "charge"),
        ({"energy_wh": 778}, "charge"),
        ({"money_carry_nano": 5}, "charge"),
        ({"wallet": wallet_id(1, 2)}, "wallet"),
        ({"wallet": None}, "wallet"),
        ({"ratio_version": 2}, "ratio"),
        ({"meter": meter_id(2, 1)}, "ratio"),
    ],
)
def test_what_differs_is_named(box: SpeakingBox, changed: dict[str, object], kind: str) -> None:
    said = msgspec.structs.replace(box.use(METER, 777), **changed)
    assert kind in kinds(said)


def test_a_gap_in_the_register_is_named_once(box: SpeakingBox) -> None:
    box.use(METER, 777)
    second, third = box.use(METER, 10), box.use(METER, 10)
    assert kinds(second, third, start=MeterCharge(raw_wh=1_000)) == ["continuity"]


def test_an_interval_of_a_replaced_meter_may_begin_anew(box: SpeakingBox) -> None:
    box.use(METER, 777)
    said = msgspec.structs.replace(box.use(METER, 10), flags=["replaced"])
    assert kinds(said, start=MeterCharge(raw_wh=1_000)) == []


def test_a_configuration_that_was_never_sent(box: SpeakingBox) -> None:
    applied = ConfigApplied(at_ms=1, config_version=9, hash="0" * 64)
    assert kinds(applied, box.use(METER, 5)) == ["config"]


def test_the_configuration_in_force_follows_the_records(box: SpeakingBox) -> None:
    applied = ConfigApplied(at_ms=1, config_version=2, hash="0" * 64)
    audit = audit_batch([box.use(METER, 5), applied], {}, 1, lambda _: PLACE)
    assert audit.config_version == 2
    assert audit.changed == {METER}


def test_rules_of_another_version_are_said() -> None:
    assert [f.kind for f in audit_batch([], {}, 1, lambda _: PLACE, rules=2).findings] == ["rules"]


def test_another_tariff_text_on_the_box_is_found() -> None:
    right = {TARIFF: {"1": text_hash(FLAT_TARIFF)}}
    assert tariff_findings(right, PLACE) == []
    assert [f.kind for f in tariff_findings({TARIFF: {"1": "0" * 64}}, PLACE)] == ["tariff_text"]
    assert [f.kind for f in tariff_findings({TARIFF: {"2": text_hash(FLAT_TARIFF)}}, PLACE)] == ["tariff_text"]
    assert [f.kind for f in tariff_findings(right, None)] == ["tariff_text"]


def test_steps_count_on_the_months_energy_and_begin_anew_with_the_month(box: SpeakingBox) -> None:
    text = FLAT_TARIFF.replace(
        "[rates.flat]", "steps = [{ from_kwh = 0, add_micro = 0 }, { from_kwh = 2, add_micro = 100000 }]\n[rates.flat]"
    )
    tariff = TariffText(tariff=TARIFF, version=1, text=text, hash=text_hash(text))
    place = place_from_config(msgspec.structs.replace(PLACE.config, tariffs=[tariff]))
    box.config = place.config
    told = [box.use(METER, 900) for _ in range(4)]
    told.append(box.use(METER, 900, for_ms=10 * 86_400_000))
    told += [box.use(METER, 900) for _ in range(4)]
    assert [part.step for interval in told for part in interval.parts if part.energy_wh][:5] == [0, 0, 0, 1, 1]
    assert told[-1].parts[0].step == 1
    audit = audit_batch(told, {}, 1, lambda _: place)
    assert audit.findings == []
    assert audit.meters[METER].month_wh == box.month_wh[METER]
    half = audit_batch(told[:3], {}, 1, lambda _: place)
    assert audit_batch(told[3:], half.meters, 1, lambda _: place).findings == []
    forgotten = audit_batch(told[3:4], {}, 1, lambda _: place)
    assert [finding.kind for finding in forgotten.findings] != []
