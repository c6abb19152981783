"""Tariff texts as people write them: read, or every mistake named with place, value and what would be right."""

import tomllib
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BadTariff
from protocol.tariff_text import SWITCHES_MAX, Tariff, read_tariff
from tests.vectors.cast import TARIFF_TEXT
from tests.vectors.charging_cases import SEASONS_TEXT

FLAT = """
name = "flat"
starts_at = 2026-01-01T00:00:00
fallback_rate = "flat"
[rates.flat]
price_micro = 800000
[days.all]
switches = ["00:00 flat"]
[calendar]
default = "all"
"""


def test_a_time_of_use_tariff_is_read() -> None:
    tariff = read_tariff(TARIFF_TEXT)
    assert tariff.name == "商铺分时 2026"
    assert tariff.starts_at == datetime(2026, 1, 1)  # noqa: DTZ001 - local time of the site
    assert tariff.fallback_rate == "flat"
    assert tariff.price_micro == {"peak": 1_234_567, "flat": 812_345, "valley": 398_765}
    assert tariff.days["workday"] == ((0, "valley"), (480, "flat"), (1080, "peak"), (1320, "flat"))
    assert tariff.weekdays == {5: "weekend"}
    assert tariff.dates == {date(2026, 10, 1): "weekend"}


def test_any_number_of_named_rates() -> None:
    names = ["尖", "峰", "平", "谷", "深谷", "rate-6"]
    rates = "\n".join(f'[rates."{name}"]\nprice_micro = {n}' for n, name in enumerate(names))
    switches = [f"{n:02d}:00 {name}" for n, name in enumerate(names)]
    text = FLAT.replace("[rates.flat]\nprice_micro = 800000", rates).replace('["00:00 flat"]', str(switches))
    tariff = read_tariff(text.replace('fallback_rate = "flat"', 'fallback_rate = "平"'))
    assert list(tariff.price_micro) == names
    assert [rate for _, rate in tariff.days["all"]] == names


def test_a_date_goes_before_a_season_a_season_before_a_weekday() -> None:
    tariff = read_tariff(SEASONS_TEXT)
    for day, name in [
        (date(2026, 6, 30), "normal"),
        (date(2026, 7, 1), "summer"),
        (date(2026, 7, 4), "summer_weekend"),
        (date(2026, 9, 30), "summer"),
        (date(2026, 10, 1), "normal"),
        (date(2026, 12, 15), "normal"),
        (date(2026, 12, 16), "winter"),
        (date(2026, 12, 31), "winter"),
        (date(2027, 1, 1), "holiday"),
        (date(2028, 1, 1), "winter"),
        (date(2027, 1, 15), "winter"),
        (date(2027, 1, 16), "normal"),
    ]:
        assert tariff.day_name(day) == name, day


START = "2026-01-01T00:00:00"
FALLBACK = 'fallback_rate = "flat"'
PRICE = "price_micro = 800000"
RATES = f"[rates.flat]\n{PRICE}"
SWITCHES = '["00:00 flat"]'
DEFAULT = 'default = "all"'


def changed(old: str, new: str) -> str:
    """The flat tariff with one place of its text changed."""
    assert FLAT.count(old) == 1, old
    return FLAT.replace(old, new)


def calendar(more: str) -> str:
    """The flat tariff with more in its calendar."""
    return changed(DEFAULT, f"{DEFAULT}\n{more}")


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (changed('name = "flat"\n', ""), "name = None: a name"),
        (changed('name = "flat"\n', 'name = " "\n'), "name = ' ': a name"),
        (changed('name = "flat"\n', "name = 7\n"), "name = 7: a name"),
        (changed(START, "2026-01-01"), "starts_at = 2026-01-01: local time of the site"),
        (changed(START, "2026-01-01T00:00:00+08:00"), "starts_at = "),
        (changed(START, "2026-01-01T00:00:00.5"), "in whole seconds"),
        (changed(START, "0001-01-01T00:00:00"), "from 2000 to 2999"),
        (changed(START, "9999-01-01T00:00:00"), "from 2000 to 2999"),
        (changed(START, '"2026-01-01T00:00:00"'), "starts_at = '2026-01-01T00:00:00': local time"),
        (changed(FALLBACK, 'fallback_rate = "peak"'), "fallback_rate = 'peak': must be one of the rates: flat"),
        (changed(FALLBACK, "fallback_rate = []"), "fallback_rate = []: must be one of"),
        (changed('fallback_rate = "flat"\n', ""), "fallback_rate = None: must be one of"),
        (changed("800000", "-1"), "rates.flat.price_micro = -1: micro-units per kWh, a whole number from 0 to 10"),
        (changed("800000", "0.8"), "rates.flat.price_micro = 0.8: micro-units"),
        (changed("800000", '"800000"'), "rates.flat.price_micro = '800000': micro-units"),
        (changed("800000", "true"), "rates.flat.price_micro = True: micro-units"),
        (changed("800000", "1000000001"), "rates.flat.price_micro = 1000000001: micro-units"),
        (changed(PRICE, ""), "rates.flat.price_micro = None: micro-units"),
        (changed(PRICE, "price_micro = 1\nprice = 2"), "rates.flat.price = 2: unknown key; known here: price_micro"),
        (changed(RATES, "rates = 3"), "rates = 3: must be a table"),
        (changed(RATES, "[rates]\nflat = 3"), "rates.flat.price_micro = None: micro-units"),
        (changed(RATES, ""), "rates = None: at least one rate"),
        (changed("[rates.flat]", '[rates."fl at"]'), "rates = 'fl at': a rate's name has 1 to 100"),
        (changed("[rates.flat]", '[rates.""]'), "rates = '': a rate's name"),
        (changed("[rates.flat]", f"[rates.{'x' * 101}]"), "a rate's name has 1 to 100"),
        (changed('[days.all]\nswitches = ["00:00 flat"]', ""), "days = None: at least one day"),
        (changed(SWITCHES, "[]"), "days.all.switches = []: a list of 1 to 48 texts"),
        (changed(SWITCHES, '"00:00 flat"'), "days.all.switches = '00:00 flat': a list"),
        (changed(SWITCHES, str(["00:00 flat"] * (SWITCHES_MAX + 1))), "a list of 1 to 48 texts"),
        (changed("switches =", "switch ="), "days.all.switch = ['00:00 flat']: unknown key; known here: switches"),
        (changed("[days.all]\nswitches = ", "[days]\nall = "), "days.all.switches = None: a list"),
        (changed("00:00 flat", "00:01 flat"), "days.all.switches = '00:01 flat': the first switch must be at 00:00"),
        (changed('"00:00 flat"', '"00:00 peak"'), "days.all.switches = '00:00 peak': unknown rate; known: flat"),
        (changed('"00:00 flat"', '"00:00 flat", "00:00 flat"'), "times must rise through the day, none twice"),
        (changed('"00:00 flat"', '"00:00 flat", "09:00 flat", "08:00 flat"'), "'08:00 flat': times must rise"),
        *(
            (changed('"00:00 flat"', f'"00:00 flat", {bad}'), "a local time and a rate, for example")
            for bad in (
                '"24:00 flat"',
                '"8:00 flat"',
                '"08:60 flat"',
                '"0800 flat"',
                '"08:00"',
                '"08:00 flat x"',
                '"０8:00 flat"',
                '"-1:00 flat"',
                '"08:00:00 flat"',
                "8",
                "[]",
                '""',
                '"ab:cd flat"',
            )
        ),
        (changed(DEFAULT, ""), "calendar.default = None: must be one of the days: all"),
        (changed(DEFAULT, 'default = "weekend"'), "calendar.default = 'weekend': must be one of the days: all"),
        (calendar("holiday = 1"), "calendar.holiday = 1: unknown key"),
        (calendar("weekdays = 1"), "calendar.weekdays = 1: must be a table"),
        (calendar('weekdays = { sat = "x" }'), "calendar.weekdays.sat = 'x': must be one"),
        (
            calendar('weekdays = { saturday = "all" }'),
            "calendar.weekdays.saturday = 'all': unknown key; known here: mon, tue, wed, thu, fri, sat, sun",
        ),
        (calendar("dates = []"), "calendar.dates = []: must be a table"),
        *(
            (calendar(f'dates = {{ "{bad}" = "all" }}'), f"calendar.dates.{bad} = 'all': the key must be a date")
            for bad in ("2026-02-30", "20261001", "2026-W40-4", "2026-1-1", "new year")
        ),
        (calendar('dates = { "2026-10-01" = "x" }'), "calendar.dates.2026-10-01 = 'x': must be"),
        (calendar("seasons = 3"), "calendar.seasons = 3: must be a list of tables"),
        (calendar("seasons = [3]"), "calendar.seasons = [3]: must be a list of tables"),
        *(
            (calendar(f'seasons = [{{ from = {bad}, to = "09-30", default = "all" }}]'), "a month and day such as")
            for bad in ('"7-1"', '"0701"', '"W01-1"', '"13-01"', '"02-30"', "7", '"2026-07-01"', '""')
        ),
        (
            calendar('seasons = [{ from = "07-01", to = "09-30" }]'),
            "calendar.seasons[0].default = None: must be one of the days: all",
        ),
        (
            calendar('seasons = [{ from = "07-01", to = "09-30", default = "all", x = 1 }]'),
            "calendar.seasons[0].x = 1: unknown key; known here: from, to, default, weekdays",
        ),
        (changed(RATES, f"steps = 3\n{RATES}"), "steps = 3: a list of at most 10 tables"),
        (changed(RATES, f"steps = [3]\n{RATES}"), "steps = [3]: a list of at most 10 tables"),
        (changed(RATES, f"steps = [{'{}, ' * 11}]\n{RATES}"), "a list of at most 10 tables"),
        (changed("[calendar]", "[calender]"), "calender = {'default': 'all'}: unknown key"),
        ("this is no TOML", "not TOML"),
        ("a = " + "[" * 5_000, "not TOML"),
        ("a = " + "9" * 5_000, "not TOML"),
        ("a = 1\na = 2", "not TOML"),
    ],
    ids=str,
)
def test_a_mistake_is_named_with_place_value_and_what_would_be_right(text: str, mistake: str) -> None:
    with pytest.raises(BadTariff) as caught:
        read_tariff(text)
    assert any(mistake in one for one in caught.value.mistakes), caught.value.mistakes


def test_five_mistakes_are_named_at_once() -> None:
    text = """
    name = ""
    starts_at = 2026-01-01
    fallback_rate = "peek"
    [rates.peak]
    price_micro = 1.2
    [days.all]
    switches = ["06:00 peak"]
    [calendar]
    default = "all"
    dates = { "2026-99-01" = "all" }
    """
    with pytest.raises(BadTariff) as caught:
        read_tariff(text)
    places = [mistake.partition(" = ")[0] for mistake in caught.value.mistakes]
    assert places == [
        "name",
        "starts_at",
        "rates.peak.price_micro",
        "fallback_rate",
        "days.all.switches",
        "calendar.dates.2026-99-01",
    ]
    assert str(caught.value) == "; ".join(caught.value.mistakes)


def test_a_long_wrong_value_is_cut_in_the_message() -> None:
    with pytest.raises(BadTariff) as caught:
        read_tariff(changed('name = "flat"\n', f"name = [{'7, ' * 10_000}]\n"))
    assert max(map(len, caught.value.mistakes)) < 200


def as_toml(value: Any) -> str:
    """A value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {as_toml(inner)}' for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return f'"{value}"' if isinstance(value, str) else str(value)


_WORDS = st.sampled_from(["flat", "peak", "all", "00:00 flat", "08:00 peak", "07-01", "2026-10-01", "sat", "", "x"])
_LOCAL = datetime(1, 1, 1)  # noqa: DTZ001 - TOML's local time has no zone
_VALUES: Any = st.recursive(
    st.booleans() | st.integers(-1, 2) | _WORDS | st.just(date(2026, 1, 1)) | st.just(_LOCAL),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)
_TABLES = st.dictionaries(
    st.sampled_from(["flat", "all", "price_micro", "switches", "default", "weekdays", "seasons", "dates", "x"]), _VALUES
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "name": _VALUES,
            "starts_at": _VALUES,
            "fallback_rate": _VALUES,
            "rates": st.just({"flat": {"price_micro": 1}}) | _TABLES | _VALUES,
            "days": st.just({"all": {"switches": ["00:00 flat"]}}) | _TABLES | _VALUES,
            "calendar": _TABLES | _VALUES,
            "x": _VALUES,
        },
    )
)
def test_any_toml_is_a_tariff_or_has_mistakes(data: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {as_toml(value)}" for key, value in data.items())
    tomllib.loads(text)
    reasons: tuple[str, ...] = ("none needed",)
    try:
        assert isinstance(read_tariff(text), Tariff)
    except BadTariff as fault:
        reasons = fault.mistakes
    assert reasons, "refused, and nobody knows why"
