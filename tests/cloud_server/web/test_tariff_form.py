"""Tariffs as a form: every tariff that a form can say comes back as it was; mistakes stand at their fields."""

from datetime import UTC, datetime

import pytest

from cloud_server.web.tariff_form import blank, fill, read_fields, shape
from protocol.tariff_text import read_tariff
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.street import FLAT_TARIFF, TARIFF
from tests.cloud_server.web.conftest import Browser

WHOLE = """name = "分时 \\"商铺\\""
starts_at = 2026-07-01T00:00:00
fallback_rate = "flat"
steps = [{ from_kwh = 0, add_micro = 0 }, { from_kwh = 260, add_micro = 50000 }]
[rates.peak]
price_micro = 1234567
[rates.flat]
price_micro = 800000
[rates.night]
price_micro = 0
[days.workday]
switches = ["00:00 night", "08:00 flat", "18:00 peak", "22:30 flat"]
[days."周 末"]
switches = ["00:00 flat"]
[calendar]
default = "workday"
weekdays = { sat = "周 末", sun = "周 末" }
dates = { "2026-10-01" = "周 末" }
[[calendar.seasons]]
from = "07-01"
to = "08-31"
default = "workday"
weekdays = { sun = "周 末" }
"""
ODD_SEASON = WHOLE.replace("weekdays = { sun", "weekdays = { mon")


@pytest.mark.parametrize("text", [FLAT_TARIFF, WHOLE], ids=["flat", "whole"])
def test_a_tariff_comes_back_from_its_form(text: str) -> None:
    fields = fill(text)
    assert fields is not None
    read = read_fields(fields)
    assert read.mistakes == {}
    assert read_tariff(read.text) == read_tariff(text)


def test_what_a_form_cannot_say_is_left_to_the_text() -> None:
    assert fill(ODD_SEASON) is None
    assert fill("no tariff") is None


def test_a_new_tariff_is_one_price_from_next_month_on() -> None:
    fields = blank(datetime(2026, 12, 5, tzinfo=UTC)) | {"name": "新", "price-flat": "0.85"}
    tariff = read_tariff(read_fields(fields).text)
    assert (tariff.starts_at, dict(tariff.price_micro)) == (datetime(2027, 1, 1), {"flat": 850_000})  # noqa: DTZ001  # local time of the site


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", " ", "required"),
        ("starts_at", "soon", "required"),
        ("price-peak", "1,2,3", "not_a_price"),
        ("price-peak", "0.1234567", "not_a_price"),
        ("price-peak", "1001", "not_a_price"),
        ("price-peak", "NaN", "not_a_price"),
        ("day-0-1-at", "25:00", "not_a_time"),
        ("step-1-from", "many", "not_a_number"),
        ("dates", "2026-10-01", "required"),
    ],
)
def test_a_mistake_stands_at_its_field(field: str, value: str, code: str) -> None:
    fields = fill(WHOLE)
    assert fields is not None
    assert read_fields(fields | {field: value}).mistakes == {field: code}


def test_every_list_has_rows_to_spare() -> None:
    fields = fill(WHOLE)
    assert fields is not None
    rows = shape(fields)
    assert (rows.own_rates, rows.seasons, rows.steps) == (2, 2, 3)
    assert [(day.number, day.rows) for day in rows.days] == [(0, 7), (1, 4), (2, 3)]
    assert rows.day_names == ("workday", "周 末")


@pytest.fixture
def browser(console: ConsoleRig) -> Browser:
    console.rig.plan()
    return console.browser("administrator")


def test_a_tariff_is_changed_by_form(browser: Browser, console: ConsoleRig) -> None:
    path = f"/settings/tariffs/{TARIFF}/form"
    assert path in browser.get("/settings/tariffs")
    browser.get(path)
    assert 'class="day-strip"' in browser.text, "drawn beside"
    fields = fill(FLAT_TARIFF)
    assert fields is not None
    changed = fields | {"price-peak": "1.2", "day-0-1-at": "18:00", "day-0-1-rate": "peak"}
    browser.post(path, **(changed | {"price-peak": "dear"}), step="preview")
    assert browser.status == 422
    assert "with at most six decimals" in browser.text
    browser.post(path, **changed, step="preview")
    assert browser.status == 200
    assert "18:00" in browser.text
    browser.post(path, **changed, step="take", version=browser.hidden("version"))
    assert "Taken." in browser.text, browser.text
    with console.rig.store.read() as unit:
        plan = unit.fleet.plan()
    assert plan is not None
    newest = max((one for one in plan.tariffs if one.tariff == TARIFF), key=lambda one: one.version)
    assert newest.version == 2
    assert read_tariff(newest.text).price_micro["peak"] == 1_200_000


def test_a_tariff_is_added_by_form(browser: Browser) -> None:
    path = "/settings/tariffs/new/form"
    browser.get(path)
    fields = blank(datetime(2026, 11, 22, tzinfo=UTC)) | {"name": "夜市", "price-valley": "0.3"}
    browser.post(path, **fields, step="preview")
    assert browser.status == 422, "the fallback rate has no price"
    fields |= {"price-flat": "0.9"}
    browser.post(path, **fields, step="preview")
    browser.post(path, **fields, step="take", version=browser.hidden("version"))
    assert "夜市" in browser.get("/settings/tariffs")


def test_a_calendar_beyond_the_form_is_edited_as_text(browser: Browser) -> None:
    path = f"/settings/tariffs/{TARIFF}"
    browser.get(path)
    browser.post(path, text=ODD_SEASON, step="preview")
    browser.post(path, text=ODD_SEASON, step="take", version=browser.hidden("version"))
    browser.get(f"{path}/form")
    assert browser.path == path
    assert "edited as text" in browser.text
