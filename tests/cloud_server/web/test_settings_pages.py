"""Settings and customers at the screen over a real plan: what a change comes to is shown, then taken whole or not.

Every section's form is opened, sent as it stands (nothing changes), and changed once.
"""

import re
from html import unescape

import pytest

from cloud_server.flows import plan_site
from cloud_server.flows.second_factor import FORM_HOLDS_MS
from cloud_server.web.forms import TARIFF_CHARACTERS_MOST
from cloud_server.web.settings_specs import SECTIONS, SINGLE
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.flows.test_usage_reports import plan_with_main
from tests.cloud_server.street import BUILDING, FLAT_TARIFF, TARIFF, YUAN, account_id, box_id, meter_id, wallet_id
from tests.cloud_server.web.conftest import PASSWORD, Browser

pytestmark = pytest.mark.sqlite_first
_FIELD = re.compile(r'<(?:input|select|textarea)[^>]*name="([^"]+)"')


def fields(browser: Browser) -> dict[str, str]:
    """The form of the page as a browser would send it unchanged."""
    form = browser.text.split('class="fields"')[1].split("</form>")[0]
    found: dict[str, str] = {}
    for name in _FIELD.findall(form):
        if name == "form_token":
            continue
        box = re.search(rf'<input type="checkbox" name="{re.escape(name)}" value="yes"( checked)?', form)
        plain = re.search(rf'name="{re.escape(name)}"[^>]*? value="([^"]*)"', form)
        area = re.search(rf'<textarea[^>]*name="{re.escape(name)}"[^>]*>(.*?)</textarea>', form, re.DOTALL)
        select = re.search(rf'<select[^>]*name="{re.escape(name)}"[^>]*>(.*?)</select>', form, re.DOTALL)
        if box:
            if box.group(1):
                found[name] = "yes"
        elif area:
            found[name] = unescape(area.group(1))
        elif select:
            chosen = re.search(r'<option value="([^"]*)" selected', select.group(1))
            found[name] = chosen.group(1) if chosen else ""
        elif plain:
            found[name] = unescape(plain.group(1))
    return found


def change(browser: Browser, path: str, **values: str) -> None:
    """Change fields of a form, look at the plan, and take it."""
    browser.get(path)
    told = fields(browser) | values
    browser.post(path, **told, step="preview")
    assert browser.status == 200, browser.text
    browser.post(path, **fields(browser), step="take")


def long_tariff() -> str:
    """Four seasons of workdays and weekends, each changed every half hour, and the holidays of three years."""
    halves = ", ".join(f'"{minute // 60:02d}:{minute % 60:02d} flat"' for minute in range(0, 1440, 30))
    days = "\n".join(f"[days.{name}{part}]\nswitches = [{halves}]" for name in "abcd" for part in ("work", "week"))
    seasons = "\n".join(
        f'[[calendar.seasons]]\nfrom = "{first}-01"\nto = "{last}-28"\ndefault = "{name}work"\n'
        f'weekdays = {{ sat = "{name}week", sun = "{name}week" }}'
        for name, first, last in (("a", "01", "03"), ("b", "04", "06"), ("c", "07", "09"), ("d", "10", "12"))
    )
    dates = ", ".join(f'"{year}-10-{day:02d}" = "aweek"' for year in (2026, 2027, 2028) for day in range(1, 21))
    head, _, _ = FLAT_TARIFF.partition("[days")
    return f'{head}{days}\n[calendar]\ndefault = "awork"\ndates = {{ {dates} }}\n{seasons}\n'


def test_a_long_tariff_and_what_was_typed_into_it_are_kept(planned: ConsoleRig) -> None:
    browser, text = planned.browser("administrator"), long_tariff()
    assert 6_000 < len(text) < TARIFF_CHARACTERS_MOST
    path = f"/settings/tariffs/{TARIFF}"
    browser.get(path)
    browser.post(path, text="x" * (TARIFF_CHARACTERS_MOST + 1), step="preview")
    assert browser.status == 413
    browser.get(path)
    planned.rig.clock.advance(FORM_HOLDS_MS + 1)
    browser.post(path, text=text, step="preview")
    assert browser.status == 403
    browser.post(path, text=browser.hidden("text"), step=browser.hidden("step"), proof_of_sender=PASSWORD)
    assert browser.status == 200
    assert fields(browser)["text"].strip() == text.strip()
    browser.post(path, **fields(browser), step="take")
    assert browser.path == "/settings/tariffs"


@pytest.fixture
def planned(console: ConsoleRig) -> ConsoleRig:
    console.rig.plan()
    return console


def test_every_section_opens_and_an_unchanged_form_changes_nothing(planned: ConsoleRig) -> None:
    browser = planned.browser("administrator")
    browser.get("/settings")
    for section in SECTIONS:
        assert f'href="/settings/{section}"' in browser.text
    for section in SECTIONS:
        path = f"/settings/{section}"
        if section not in SINGLE:
            browser.get(path)
            assert browser.status == 200, section
            path = "/settings/" + browser.text.split(f'<td><a href="/settings/{section}/')[1].split('"')[0].join(
                [f"{section}/", ""]
            ).removesuffix("/form")
            browser.get(f"/settings/{section}/new")
            assert browser.status == 200, section
        browser.get(path)
        browser.post(path, **fields(browser), step="preview")
        assert browser.status == 200, (section, browser.text)
        if section != "tariffs":
            assert "Nothing changes." in browser.text, section


def test_a_change_is_shown_with_the_boxes_that_are_told_before_it_holds(planned: ConsoleRig) -> None:
    planned.rig.enrol(1)
    browser = planned.browser("administrator")
    path = f"/settings/meters/{meter_id(1, 1)}"
    browser.get(path)
    browser.post(path, **(fields(browser) | {"rated_ma": "80000", "ct": "100:5"}), step="preview")
    assert "60000" in browser.text
    assert "80000" in browser.text
    assert "A new configuration is signed for: A1." in browser.text
    with planned.rig.store.read() as unit:
        assert unit.books.plan_version() == 1, "nothing holds yet"
    browser.post(path, **fields(browser), step="take")
    assert "Taken." in browser.text
    with planned.rig.store.read() as unit:
        plan, box = unit.fleet.plan(), unit.fleet.box(box_id(1))
    assert plan is not None
    assert box is not None
    meter = plan.boxes[0].meters[0]
    assert (meter.rated_ma, [ratio.ct for ratio in meter.ratios]) == (80_000, [(1, 1), (100, 5)])
    assert box.config_version == 2


def test_what_does_not_hold_is_said_and_nothing_is_half_applied(planned: ConsoleRig) -> None:
    browser = planned.browser("administrator")
    path = f"/settings/meters/{meter_id(1, 1)}"
    for field, value, says in (
        ("unit", "2", "unit"),
        ("unit", "300", "247"),
        ("rated_ma", "abc", "Type digits"),
        ("name", "", "Please fill this in."),
    ):
        browser.get(path)
        browser.post(path, **(fields(browser) | {field: value}), step="take", version="1")
        assert browser.status == 422, (field, value)
        assert says in browser.text
    with planned.rig.store.read() as unit:
        assert unit.books.plan_version() == 1


def test_a_plan_that_somebody_changed_meanwhile_is_shown_again(planned: ConsoleRig) -> None:
    browser, other = planned.browser("administrator"), planned.browser("provisioner")
    browser.get("/settings/site")
    browser.post("/settings/site", name="北街", step="preview")
    told = fields(browser)
    change(other, f"/settings/buildings/{BUILDING}", name="西楼")
    browser.post("/settings/site", **told, step="take")
    assert browser.status == 409
    assert "Somebody else has changed the settings meanwhile" in browser.text
    browser.post("/settings/site", **fields(browser), step="take")
    assert "Taken." in browser.text
    assert "北街" in browser.get("/settings/site")


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("buildings", {"name": "新楼"}),
        ("points", {"number": "Z99", "name": "新铺", "building": BUILDING, "use": "tenant"}),
        ("boxes", {"name": "Z9", "building": BUILDING}),
        ("buses", {"box": box_id(1), "name": "Z9-1", "baud": "9600", "parity": "E"}),
        ("tariffs", {"text": FLAT_TARIFF.replace("单一", "新")}),
    ],
)
def test_items_are_added(section: str, values: dict[str, str], planned: ConsoleRig) -> None:
    browser = planned.browser("provisioner")
    change(browser, f"/settings/{section}/new", **values)
    assert "Taken." in browser.text
    assert next(iter(values.values())) in browser.text or "新" in browser.text or "Z9" in browser.text


def test_a_tariff_gets_a_version_and_is_drawn_as_a_day_and_a_year(planned: ConsoleRig) -> None:
    browser = planned.browser("administrator")
    text = FLAT_TARIFF.replace("2026-01-01", "2027-01-01").replace("800000", "900000")
    text += '[days.sunday]\nswitches = ["00:00 flat"]\n'.replace("[calendar]", "")
    browser.get(f"/settings/tariffs/{TARIFF}")
    assert 'class="day-strip"' in browser.text
    change(browser, f"/settings/tariffs/{TARIFF}", text=text)
    assert "Taken." in browser.text
    browser.get(f"/settings/tariffs/{TARIFF}")
    assert "¥0.9000" in browser.text
    assert browser.text.count("<title>") >= 365, "each day of the year"
    browser.post(f"/settings/tariffs/{TARIFF}", text="name = 3", step="preview")
    assert browser.status == 422
    assert "The text has mistakes:" in browser.text


def test_holidays_and_friendly_hours(planned: ConsoleRig) -> None:
    browser = planned.browser("administrator")
    change(browser, "/settings/holidays", holidays="2026-10-01\n2026-10-02")
    change(browser, "/settings/hours", from_minute="20:00", to_minute="08:00", **{"weekdays-1": "yes"})
    with planned.rig.store.read() as unit:
        plan = unit.fleet.plan()
    assert plan is not None
    assert plan.holidays == ("2026-10-01", "2026-10-02")
    assert [(h.from_minute, h.to_minute, h.weekdays) for h in plan.friendly_hours] == [(1_200, 480, [1])]


@pytest.mark.parametrize("role", ["cashier", "supervisor", "accountant", "technician", "auditor"])
def test_settings_are_for_those_who_keep_the_site(role: str, planned: ConsoleRig) -> None:
    browser = planned.browser(role)  # type: ignore[arg-type]  # roles by name
    for path in ("/settings", "/settings/site"):
        browser.get(path)
        assert browser.status == 403


def test_an_account_is_opened_with_several_meters_and_an_opening_balance(console: ConsoleRig) -> None:
    plan_site.take_plan(console.rig.centre, plan_with_main(console.rig.site), "provisioner")
    box = console.rig.enrol(1)
    cashier = console.browser("cashier")
    cashier.get("/customers/new")
    assert f'name="meter-{meter_id(1, 3)}"' in cashier.text
    assert f'name="meter-{meter_id(1, 2)}"' not in cashier.text, "it has an account"
    assert f'name="meter-{meter_id(1, 1)}"' not in cashier.text, "a main meter is sold to nobody"
    told = {"name": "新商户", "phones": "13900000000", "number": "K9", "opening_micro": "12.50"}
    change(cashier, "/customers/new", **told, **{f"meter-{meter_id(1, 3)}": "yes"})
    assert "The account is open." in cashier.text
    assert "新商户" in cashier.text
    console.rig.settle(box)
    assert 12_500_000 in box.book.values()
    assert not console.rig.breaches()
    assert "新商户" in cashier.get("/customers?q=K9")


def test_an_account_number_that_stands_twice_opens_nothing(console: ConsoleRig) -> None:
    plan_site.take_plan(console.rig.centre, plan_with_main(console.rig.site), "provisioner")
    cashier = console.browser("cashier")
    cashier.get("/customers/new")
    told = fields(cashier) | {"name": "X", "number": "K1002", f"meter-{meter_id(1, 3)}": "yes"}
    cashier.post("/customers/new", **told, step="take", version="1")
    assert cashier.status == 422
    assert "K1002 stands twice" in cashier.text


def test_name_phones_and_alarms_are_changed(planned: ConsoleRig) -> None:
    cashier = planned.browser("cashier")
    account = f"/customers/{account_id(1, 2)}"
    change(cashier, f"{account}/customer", name="李四", phones="13511112222")
    assert "李四" in cashier.text
    change(cashier, f"{account}/{wallet_id(1, 2)}", alarm1_micro="30", alarm2_micro="10")
    assert "¥30.00" in cashier.text
    with planned.rig.store.read() as unit:
        assert unit.fleet.wallets_of_account(account_id(1, 2))[0].alarm1_micro == 30 * YUAN


def test_an_account_is_closed_by_a_supervisor(planned: ConsoleRig) -> None:
    planned.rig.enrol(1)
    assert "Close the account" not in planned.browser("cashier").get(f"/customers/{account_id(1, 2)}")
    supervisor = planned.browser("supervisor")
    path = f"/customers/{account_id(1, 2)}"
    supervisor.get(path)
    supervisor.post(f"{path}/close", key=supervisor.hidden("key"), reason="")
    assert supervisor.status == 422
    supervisor.post(f"{path}/close", key=supervisor.hidden("key"), reason="搬走")
    assert "Closing has begun" in supervisor.text
    assert "Asked of the boxes" in supervisor.text
