"""One supply point's page: values with their age, and orders that say what they do and are given once."""

from collections.abc import Callable

import pytest

from cloud_server.core.roles import Role
from tests.cloud_server.web.conftest import Browser
from tests.fakes.centre_clock import FakeClock
from tests.fakes.centre_site import FakeSite
from tests.fakes.centre_street import made_id

DARK = f"/points/{made_id('point 11')}"
HOUR_MS = 3_600_000


def order(browser: Browser, path: str, **fields: str) -> None:
    browser.get(path)
    browser.post(path, key=browser.hidden("key"), **fields)


def test_the_page_says_what_is_and_how_old_it_is(cashier: Browser) -> None:
    text = cashier.get(DARK)
    for words in (
        "−¥0.35",
        "needs at least ¥0.36 to switch on",
        "arrears · since 11:30:00",
        "12,356.57 kWh",
        "¥0.8123",
    ):
        assert words in text, words
    assert 'data-at="' in text
    assert "11:30–12:00" in text
    assert text.count('<rect class="load"') == 24
    assert "Voltage AB" in text
    assert "Energy A" in text
    assert "_mv" not in text


def test_a_main_meter_is_measured_and_not_sold(cashier: Browser) -> None:
    text = cashier.get(f"/points/{made_id('point 47')}")
    assert "Main meter" in text
    assert "measured, not sold" in text
    assert "Not opened" not in text


def test_another_day_is_shown_without_a_stream(cashier: Browser) -> None:
    text = cashier.get(f"{DARK}?day=2026-11-21")
    assert "2026-11-21" in text
    assert "data-stream" not in text
    assert "Nothing happened on this day." in text


def test_a_point_that_is_not_there_is_said(cashier: Browser) -> None:
    cashier.get(f"/points/{'0' * 32}")
    assert cashier.status == 404


def test_cutting_off_has_the_number_typed(supervisor: Browser, site: FakeSite) -> None:
    path = f"{DARK}/mode/forced_off"
    for typed in ("", "A203", "悦读书店"):
        order(supervisor, path, number=typed)
        assert supervisor.status == 422
        assert "This is not the number of this shop." in supervisor.text
    assert not site.commands
    order(supervisor, path, number="A202")
    assert supervisor.path == DARK
    assert [row.what for rows in site.commands.values() for row in rows] == ["forced_off"]
    assert "Signed and queued" in supervisor.text
    assert "Queued" in supervisor.text


def test_an_order_sent_twice_is_one(supervisor: Browser, site: FakeSite) -> None:
    path = f"{DARK}/mode/protected"
    supervisor.get(path)
    key = supervisor.hidden("key")
    supervisor.post(path, key=key)
    supervisor.get(path)
    supervisor.post(path, key=key)
    assert len(next(iter(site.commands.values()))) == 1


def test_protecting_may_carry_an_end_on_the_sites_clock(supervisor: Browser, site: FakeSite, clock: FakeClock) -> None:
    path = f"{DARK}/mode/protected"
    for bad in ("2026-11-22T11:59", "2028-01-01T00:00", "tomorrow", "2026-13-01T00:00"):
        order(supervisor, path, until=bad)
        assert supervisor.status == 422, bad
    order(supervisor, path, until="2026-11-22T18:00")
    assert next(iter(site.commands.values()))[0].until_ms == clock.wall_ms() + 6 * HOUR_MS


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("cashier", set()),
        ("auditor", set()),
        ("technician", {"mode", "service", "lock-out"}),
        ("provisioner", {"service", "lock-out"}),
        ("supervisor", {"mode", "service", "lock-out"}),
    ],
)
def test_only_what_the_role_may_is_offered(role: Role, sees: set[str], browser_of: Callable[[Role], Browser]) -> None:
    text = browser_of(role).get(DARK)
    offered = {group for group in ("mode", "service", "lock-out", "lift-lock-out") if f'"{DARK}/{group}' in text}
    assert offered == sees


def test_a_lock_out_is_lifted_by_those_who_may(browser_of: Callable[[Role], Browser], site: FakeSite) -> None:
    locked = f"/points/{made_id('point 44')}"
    technician = browser_of("technician")
    text = technician.get(locked)
    assert "lock the breaker too" in text
    assert f'"{locked}/lift-lock-out"' in text
    order(technician, f"{locked}/lift-lock-out")
    assert [row.what for rows in site.commands.values() for row in rows] == ["lift_lock_out"]
    assert f'"{locked}/lift-lock-out"' not in browser_of("provisioner").get(locked)


def test_kinds_do_not_leak_from_one_right_to_another(browser_of: Callable[[Role], Browser], site: FakeSite) -> None:
    provisioner = browser_of("provisioner")
    provisioner.get(f"{DARK}/service/forced_off")
    assert provisioner.status == 404
    provisioner.get(DARK)
    provisioner.post(f"{DARK}/service/forced_off", key="k", number="A202")
    assert provisioner.status == 404
    assert not site.commands
