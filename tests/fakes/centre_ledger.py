"""Tills, days and second persons of the made-up street: nothing is open, nothing waits. Real ones: elsewhere."""

from types import SimpleNamespace
from typing import Any, cast

from cloud_server.core.mistakes import Conflict, NotFound
from cloud_server.core.site_look import Look
from cloud_server.core.state_views import CentreState, RecoveryView
from cloud_server.flows.change_settings import SettingsDesk
from cloud_server.flows.import_site import SiteImport
from cloud_server.flows.keep_look import SiteLook
from cloud_server.flows.keep_profiles import ProfileDesk
from cloud_server.flows.office import Office
from cloud_server.ports.courier import CourierFile
from cloud_server.ports.tills import TillNow
from protocol.workbook.template import Known
from tests.fakes.centre_money import FakeMoney


class FakeTills:
    """Like `flows.keep_till.Tills`."""

    def till_now(self, operator: str) -> TillNow:
        return TillNow(operator, None, None, {})

    def tills_now(self) -> tuple[TillNow, ...]:
        return ()

    def shifts_of_day(self, day: str) -> tuple[()]:
        return ()

    def shift(self, shift: str) -> Any:
        raise NotFound("shift", shift)

    def open_till(self, order: object, by: object) -> Any:
        raise Conflict("no till in the made-up street")

    close_till = open_till


class FakeDays:
    """Like `flows.close_day.Days`."""

    def closed_days(self, limit: int) -> tuple[()]:
        return ()

    def close_day(self, order: object, by: object) -> Any:
        raise Conflict("no posting day in the made-up street")


class FakeSecond:
    """Like `flows.second_person.SecondPerson`."""

    def waiting(self, limit: int = 500) -> tuple[()]:
        return ()

    def approve(self, step: object, by: object) -> Any:
        raise NotFound("request", "any")

    reject = withdraw = approve


class FakeClosings:
    """Like `flows.close_account.Closings`."""

    def closing(self, closing: str) -> Any:
        raise NotFound("closing", closing)

    def adjust(self, order: object, by: object) -> Any:
        raise Conflict("nothing is adjusted in the made-up street")

    replace_meter = move = retire = relocate_meter = adjust

    def open_closings(self) -> tuple[()]:
        return ()

    def close(self, order: object, by: object) -> Any:
        raise Conflict("nobody leaves the made-up street")

    again = cancel = close


class FakeSettings:
    """Like `flows.change_settings.SettingsDesk`: the made-up street has no plan."""

    def plan(self) -> None:
        return None

    def preview(self, section: str, item: str, values: object) -> None:
        return None


class FakeProfiles:
    """Like `flows.keep_profiles.ProfileDesk`: the made-up street has no plan."""

    def listed(self) -> tuple[()]:
        return ()

    def sheet(self, profile: str) -> None:
        return None

    preview_leaving_out = sheet

    def version(self, profile: str, version: int) -> None:
        return None

    def preview(self, profile: str, text: str, unit_id: int) -> None:
        return None

    def leave_out(self, profile: str, version: int, by: object) -> Any:
        raise Conflict("the made-up street has no plan", "plan_changed")


class FakeRecoveries:
    """Like `flows.recovery_report.RecoveryDesk`, `flows.open_selling.Selling` and `flows.accept_history.Histories`:
    there never was a recovery."""

    def report(self) -> None:
        return None

    def answer(self, question: str, answer: str, note: str, by: str) -> Any:
        raise NotFound("question", question)

    def open(self, order: Any, by: object) -> Any:
        raise NotFound("box", order.box)

    def waiting(self) -> tuple[()]:
        return ()

    def accept(self, order: Any, by: object) -> Any:
        raise NotFound("box", order.box)


class FakeStates:
    """Implements `StateBook`: all is well, until a test says that the centre was restored."""

    standing: RecoveryView | None = None

    def journal_fault(self) -> str | None:
        return None

    def recovery(self) -> RecoveryView | None:
        return self.standing

    def state(self) -> CentreState:
        return CentreState(journal_fault=None, term=1, boxes=())


class FakeCouriers:
    """Implements `CourierDesk`: nothing has to be carried."""

    def file_for(self, box: str) -> CourierFile:
        raise NotFound("box", box)


class FakeImports:
    """Like `flows.import_site.SiteImport`: there is no plan to read into."""

    def known(self) -> Known:
        return Known()

    def read(self, sheets: object, by: object) -> Any:
        raise Conflict("the made-up street has no plan")

    def preview(self, draft: str, by: object, *, gone: bool) -> None:
        return None

    def take(self, draft: str, version: int, by: object, *, gone: bool) -> Any:
        raise Conflict("the made-up street has no plan", "plan_changed")


class PlainLook:
    """Like `flows.keep_look.SiteLook`: no look of its own, and none is kept."""

    def look(self) -> Look:
        return Look()

    def logo(self) -> None:
        return None

    def put(self, accent: str, logo: object, by: object, *, keep_logo: bool) -> None:
        """Forgotten at once."""


def fake_settings() -> SettingsDesk:
    """A desk without a plan."""
    return cast(SettingsDesk, FakeSettings())


def fake_profiles() -> ProfileDesk:
    """A desk without profiles: there is no plan."""
    return cast(ProfileDesk, FakeProfiles())


def fake_imports() -> SiteImport:
    """A desk that reads nothing in: there is no plan."""
    return cast(SiteImport, FakeImports())


def plain_look() -> SiteLook:
    """A site that has no look of its own."""
    return cast(SiteLook, PlainLook())


def fake_office(money: FakeMoney) -> Office:
    """An office in which nothing happens; of its desks those that pages over the made-up street ask."""
    desks: dict[str, object] = {"tills": FakeTills(), "days": FakeDays(), "second": FakeSecond()}
    desks |= {"refunds": money, "reversals": money, "closings": FakeClosings()}
    desks |= {"adjustments": FakeClosings(), "settlements": FakeClosings(), "meters": FakeClosings()}
    desks |= {
        "moves": FakeClosings(),
        "boxes": FakeClosings(),
        "tasks": lambda: (),
        "recovery": FakeRecoveries(),
        "selling": FakeRecoveries(),
        "histories": FakeRecoveries(),
    }
    return cast(Office, SimpleNamespace(**desks))
