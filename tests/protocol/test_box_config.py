"""The configuration of a box: it comes back as it went, and one with many mistakes names them all."""

import json
from typing import Any

import msgspec
import pytest

from protocol.box_config import BoxConfig, ExternalRelay, ProfileText, Ratio, TariffText, text_hash
from protocol.config_text import find_mistakes, read_config, write_config
from protocol.errors import BadPayload
from tests.vectors.cast import CONFIG, CONFIG_TEXT, METER, TARIFF, TARIFF_TEXT, WALLET, an_id

NOBODY = an_id("nobody")
replace = msgspec.structs.replace
METER_CONFIG, MAIN = CONFIG.meters
WALLET_CONFIG = CONFIG.wallets[0]


def with_meter(**fields: Any) -> BoxConfig:
    return replace(CONFIG, meters=[replace(METER_CONFIG, **fields), MAIN])


def board(name: str, unit: int, channel: int) -> ExternalRelay:
    return ExternalRelay(board=name, unit=unit, channel=channel)


def with_relays(first: ExternalRelay, second: ExternalRelay) -> BoxConfig:
    return replace(CONFIG, meters=[replace(METER_CONFIG, relay=first), replace(MAIN, relay=second)])


def with_wallet(**fields: Any) -> BoxConfig:
    return replace(CONFIG, wallets=[replace(WALLET_CONFIG, **fields)])


def test_a_configuration_comes_back_as_it_went() -> None:
    assert read_config(CONFIG_TEXT) == CONFIG
    assert write_config(read_config(CONFIG_TEXT)) == CONFIG_TEXT
    assert find_mistakes(CONFIG) == []


def test_a_hash_is_over_the_bytes_of_the_text() -> None:
    assert text_hash("电") == "1763e47d08de8d810761fab370fe8b309c22699a34f34a47507a12c8d10602d9"
    assert text_hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_trip_level_lies_below_zero_by_the_credit_limit() -> None:
    assert WALLET_CONFIG.trip_micro == 0
    assert replace(WALLET_CONFIG, credit_limit_micro=5).trip_micro == -5


@pytest.mark.parametrize(
    ("config", "mistake"),
    [
        (with_meter(bus=NOBODY), f"meter 101 ({METER}): bus {NOBODY} is not among the buses"),
        (with_meter(device=NOBODY), f"meter 101 ({METER}): device {NOBODY} is not on bus {METER_CONFIG.bus}"),
        (with_meter(tariff=NOBODY), f"meter 101 ({METER}): tariff {NOBODY} is not among the tariffs"),
        (with_meter(unit=40), f"address 40 on bus {METER_CONFIG.bus} stands twice"),
        (with_meter(meter=MAIN.meter), f"meter {MAIN.meter} stands twice"),
        (with_meter(ratios=[Ratio(version=3, from_ms=n, ct=(1, 1), pt=(1, 1)) for n in (0, 5)]),
         f"meter 101 ({METER}): ratio versions [3, 3] must differ"),
        (with_meter(relay=board("R8", 40, 0)),
         f"meter 101 ({METER}), relay: unit 40 on bus {METER_CONFIG.bus} is that of meter 总表"),
        (with_relays(board("R8", 60, 0), board("R16", 60, 1)),
         f"meter 总表 ({MAIN.meter}), relay: board R16 at unit 60, where another meter has R8"),
        (with_relays(board("R8", 60, 3), board("R8", 60, 3)),
         f"meter 总表 ({MAIN.meter}), relay: channel 3 of unit 60 switches meter 101 already"),
        (with_wallet(meters=[METER, NOBODY]), f"wallet {WALLET}: meter {NOBODY} is not among the meters"),
        (with_wallet(meters=[METER, METER]), f"wallet {WALLET}: meter {METER} is fed by wallet {WALLET} already"),
        (with_wallet(reconnect_micro=9_999),
         f"wallet {WALLET}: reconnect_micro 9999 must lie at least one fen (10000) above the trip level 0"),
        (with_wallet(credit_limit_micro=1_000_000, reconnect_micro=-990_001),
         f"wallet {WALLET}: reconnect_micro -990001 must lie at least one fen (10000) above the trip level -1000000"),
        (with_wallet(alarm1_micro=5_000_000),
         f"wallet {WALLET}: alarm1_micro 5000000 must lie above alarm2_micro 5000000, "
         "and that not below the trip level 0"),
        (with_wallet(alarm2_micro=-1),
         f"wallet {WALLET}: alarm1_micro 20000000 must lie above alarm2_micro -1, and that not below the trip level 0"),
        (replace(CONFIG, wallets=[WALLET_CONFIG, WALLET_CONFIG]), f"wallet {WALLET} stands twice"),
        (replace(CONFIG, buses=[*CONFIG.buses, replace(CONFIG.buses[0], bus=NOBODY)]), "bus name A1-1 stands twice"),
        (replace(CONFIG, buses=[*CONFIG.buses, replace(CONFIG.buses[0], name="B")]),
         f"bus {CONFIG.buses[0].bus} stands twice"),
        (replace(CONFIG, devices=[*CONFIG.devices, replace(CONFIG.devices[0], device=NOBODY, bus=NOBODY, name="D")]),
         f"device D ({NOBODY}): bus {NOBODY} is not among the buses"),
        (replace(CONFIG, devices=CONFIG.devices * 2), f"device {CONFIG.devices[0].device} stands twice"),
        (replace(CONFIG, tariffs=CONFIG.tariffs * 2), f"tariff version {TARIFF} 1 stands twice"),
        (replace(CONFIG, tariffs=[replace(CONFIG.tariffs[0], hash="0" * 64)]),
         f"tariff {TARIFF} version 1: hash 000000000000… is not that of its text, {text_hash(TARIFF_TEXT)[:12]}…"),
        (replace(CONFIG, profiles=(ProfileText(profile="own", version=2, text="x", hash="f" * 64),)),
         f"profile own version 2: hash ffffffffffff… is not that of its text, {text_hash('x')[:12]}…"),
        (replace(CONFIG, site=replace(CONFIG.site, zone="Mars/Olympus")),
         "site: zone 'Mars/Olympus' is not one of the zone data, such as Asia/Shanghai"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_place_and_value(config: BoxConfig, mistake: str) -> None:
    assert mistake in [str(found) for found in find_mistakes(config)]
    with pytest.raises(BadPayload) as caught:
        read_config(write_config(config))
    assert mistake in str(caught.value)


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/localtime", "Asia", "x" * 100, "Asia/Shanghai\u00e9"])
def test_a_zone_is_a_name_of_the_zone_data_and_no_path(zone: str) -> None:
    assert any(
        "zone" in str(mistake) for mistake in find_mistakes(replace(CONFIG, site=replace(CONFIG.site, zone=zone)))
    )


def test_two_channels_of_one_board_are_fine() -> None:
    assert find_mistakes(with_relays(board("R8", 60, 0), board("R8", 60, 1))) == []


def test_a_wallet_that_feeds_anothers_meter_is_named() -> None:
    other = replace(WALLET_CONFIG, wallet=NOBODY)
    assert [str(found) for found in find_mistakes(replace(CONFIG, wallets=[WALLET_CONFIG, other]))] == [
        f"wallet {NOBODY}: meter {METER} is fed by wallet {WALLET} already"
    ]


def test_five_mistakes_are_named_at_once() -> None:
    text = 'name = "x"\n'
    config = replace(
        CONFIG,
        site=replace(CONFIG.site, zone="Nowhere"),
        meters=[replace(METER_CONFIG, bus=NOBODY), replace(MAIN, tariff=NOBODY)],
        wallets=[replace(WALLET_CONFIG, reconnect_micro=0)],
        tariffs=[TariffText(tariff=TARIFF, version=1, text=text, hash="0" * 64)],
    )
    with pytest.raises(BadPayload) as caught:
        read_config(write_config(config))
    for part in (
        "zone 'Nowhere'",
        f"meter 101 ({METER}): bus {NOBODY}",
        f"tariff {NOBODY} is not among the tariffs",
        "reconnect_micro 0",
        "hash 000000000000…",
        f"tariff {TARIFF} version 1: starts_at = None",
    ):
        assert part in str(caught.value)


def changed(**changes: Any) -> str:
    """The configuration's text with values put at paths such as `meters__0__unit`."""
    config = json.loads(CONFIG_TEXT)
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        place = config
        for step in steps:
            place = place[step]
        place[last] = value
    return json.dumps(config)


def test_five_values_of_a_wrong_kind_are_named_at_once() -> None:
    text = changed(
        buses__0__baud=9_601,
        meters__0__unit=248,
        meters__1__rated_ma="5 A",
        wallets__0__colour="red",
        defaults__interval_s=59,
    )
    with pytest.raises(BadPayload) as caught:
        read_config(text)
    assert str(caught.value).split("; ") == [
        "defaults.interval_s = 59: Expected `int` >= 60",
        "buses[0].baud = 9601: must be one of 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200",
        "meters[0].unit = 248: Expected `int` <= 247",
        'meters[1].rated_ma = "5 A": Expected `int`, got `str`',
        'wallets[0].colour = "red": unknown field',
    ]


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        ("site__currency", ["cny", "CNYY", ""]),
        ("defaults__retain_days", [89, 4_001]),
        ("defaults__guard", ["maybe"]),
        ("buses__0__parity", ["X", "n"]),
        ("buses__0__silence_ms", [-1, 1_001]),
        ("meters__0__unit", [0, 248]),
        ("meters__0__phases", [2]),
        ("meters__0__use", ["shop"]),
        ("meters__0__ratios", [[], [{"version": 1, "from_ms": 0, "ct": [0, 1], "pt": [1, 1]}]]),
        ("meters__0__overload", [{"threshold_w": 0, "delay_s": 0, "open_s": 1}, {}]),
        ("meters__0__interval_s", [59, 86_401]),
        ("wallets__0__meters", [[]]),
        ("wallets__0__account_state", ["open"]),
        ("wallets__0__credit_limit_micro", [-1]),
        ("holidays", [["tomorrow"], ["2026-13-01"]]),
        ("friendly_hours__0__from_minute", [-1, 1_440]),
        ("friendly_hours__0__weekdays", [[0], [8]]),
        ("tariffs__0__version", [0]),
    ],
)
def test_bounds_of_single_values(path: str, bad: list[Any]) -> None:
    for value in bad:
        with pytest.raises(BadPayload):
            read_config(changed(**{path: value}))


@pytest.mark.parametrize("text", ["", "[]", "null", '{"site":1,"site":2}', CONFIG_TEXT[:-1], CONFIG_TEXT + "x"])
def test_a_text_that_is_no_configuration(text: str) -> None:
    with pytest.raises(BadPayload):
        read_config(text)


def test_no_mode_no_service_and_no_money_can_be_smuggled_in() -> None:
    for name, value in (("mode", "protected"), ("service", "in_service"), ("book_micro", 1), ("locked_out", None)):
        for path in (f"meters__0__{name}", f"wallets__0__{name}", name):
            with pytest.raises(BadPayload, match="unknown field"):
                read_config(changed(**{path: value}))
