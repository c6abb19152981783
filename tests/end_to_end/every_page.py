"""Every page of the console, taken from its table of addresses, so that none can be missing: what stands in each part
of an address over a real street, who opens it, and the few addresses that are no page of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cloud_server.core.roles import ROLES, TABLE, Role
from cloud_server.flows.keep_links import LinkKeeper
from cloud_server.flows.keep_profiles import ProfileDesk
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.note_occasions import Noter
from cloud_server.flows.office import open_office
from cloud_server.flows.sign_in import SignIn
from cloud_server.ports import Actor, Operation
from cloud_server.ports.ledger import ClosingOrder
from cloud_server.ports.money import RefundOrder
from cloud_server.ports.tills import TillCount
from cloud_server.store.people import StoredPeople
from cloud_server.web.addresses import ROUTES, Route
from cloud_server.web.settings_specs import SECTIONS
from tests.cloud_server.console_rig import LINK_SECRET
from tests.cloud_server.site_rig import CASHIER, SiteRig
from tests.cloud_server.street import TARIFF, account_id, box_id, meter_id, point_id
from tests.edge_agent.bus.profile_page import NX3
from tests.end_to_end.real_street import RealStreet
from tests.fakes.centre_clock import FakeChance
from tests.fakes.centre_people import PlainPasswords

NO_PAGE: Final[Mapping[str, str]] = {
    "/start": "leads on to a page",
    "/customers/find/{number}": "leads on to a page",
    "/look/{mark}/accent.css": "a style sheet",
    "/look/{digest}/logo": "a picture",
    "/till/days.xlsx": "a file",
    "/reports/{kind}.xlsx": "a file",
    "/exports/{job}/file": "a file",
    "/courier/{box}/file": "a file",
    "/settings/import/template.xlsx": "a file",
    "/settings/import/{draft}": "shown with a workbook that was sent, in test_browser_office",
    "/boxes/{box}/history": "there only while a box lacks a part of its history; see test_history_page",
    "/exports/{job}": "belongs to the browser that asked for it; opened in test_browser_office",
}
"""Addresses that are not opened here, each with its reason."""
BESIDE: Final = (
    "/?view=rows",
    "/reports/statement?account={account}",
    "/reports/proof?account={account}",
    "/reports/proof?account={account}&lines=yes",
    "/sales/{sale}/receipt?paper=80mm",
    "/sales/{sale}/receipt?paper=a4",
    "/points/{point}/mode/forced_off",
    "/points/{point}/mode/protected",
    "/settings/meters/{meter}",
    *(f"/settings/{section}" for section in SECTIONS),
)
"""What one address shows as well, by its query or by another word in its place."""
OF_ANOTHER: Final[Mapping[str, Role]] = {"/till/shifts/{shift}": "supervisor"}
"""Pages that a cashier opens only where they are their own."""
SECOND: Final = Actor(id="1" * 32, name="li", display_name="李主管", roles=frozenset({"supervisor"}))
SHOP, ACCOUNT = point_id(1, 2), account_id(1, 3)


@dataclass(frozen=True)
class Opened:
    """An address with everything filled in, and who opens it."""

    path: str
    role: Role


def fill(real: RealStreet) -> dict[str, str]:
    """Make what pages show; what stands for each part of an address."""
    rig, office = real.rig, open_office(real.rig.centre)
    sale = rig.sell("10.00", shop=4)
    refund = RefundOrder(key="page-refund", account=ACCOUNT, amount="5", method="cash", reason="多充")
    counted = {method: f"{micro / 1_000_000:.2f}" for method, micro in office.tills.till_now("wang").expected.items()}
    closing = ClosingOrder(key="page-closing", account=account_id(1, 6), reason="退租", second=SECOND)
    rig.operations.order(Operation(key="batch-page", kind="prepaid", meters=(meter_id(1, 2), meter_id(1, 3))), CASHIER)
    filled = {
        "sale": sale,
        "refund": office.refunds.ask(refund, CASHIER).refund,
        "shift": office.tills.close_till(TillCount(key="page-till", counted=counted), CASHIER).shift,
        "closing": office.closings.close(closing, CASHIER).closing or "",
        "point": SHOP,
        "meter": meter_id(1, 2),
        "account": ACCOUNT,
        "box": box_id(1),
        "batch": "batch-page",
        "kind": "forced_off",
        "item": "customer",
        "section": "site",
        "occasion": "alarm2",
        "language": "en",
        "profile": _save_profile(rig),
        "version": "1",
        **_links(rig),
    }
    real.settle()
    Noter(rig.centre, LinkKeeper(rig.centre, LINK_SECRET), to_phones=True).look()
    return filled


def _save_profile(rig: SiteRig) -> str:
    desk = ProfileDesk(rig.centre)
    found = desk.preview("nx3_page", NX3)
    assert found is not None
    desk.take("nx3_page", NX3, found.planned.version, CASHIER)
    return "nx3_page"


def _links(rig: SiteRig) -> dict[str, str]:
    """Links that are good once, or for ever, by whom they are for."""
    people, clock = StoredPeople(rig.engine, rig.site), rig.clock
    staff = people.staff_named("auditor")
    assert staff is not None
    office = StaffOffice(people, PlainPasswords(), clock, FakeChance("link"))
    return {
        "staff": staff.staff,
        "setup": SignIn(people, PlainPasswords(), clock, FakeChance("setup")).offer_setup(),
        "password": office.offer_password(staff.staff, CASHIER),
        "my": LinkKeeper(rig.centre, LINK_SECRET).url_now(ACCOUNT).rpartition("/")[2],
    }


def pages(filled: Mapping[str, str]) -> list[Opened]:
    """Every page, and who opens it: of those who may, whoever has the fewest yet."""
    found: list[Opened] = []
    count = dict.fromkeys(ROLES, 0)
    for route, path in [*_by_route(), *((_route_of(path), path) for path in BESIDE)]:
        may = [role for role in ROLES if route.ask in ("anyone", "signed_in") or role in TABLE[route.ask]]  # type: ignore[index]  # the two words are no rights
        role = OF_ANOTHER.get(route.path, min(may, key=count.__getitem__))
        count[role] += 1
        found.append(Opened(path.format(**{**filled, **_words(route, filled)}), role))
    return found


def _by_route() -> list[tuple[Route, str]]:
    return [(route, route.path) for route in ROUTES if route.method == "GET" and not _is_no_page(route.path)]


def _is_no_page(path: str) -> bool:
    return path in NO_PAGE or path.endswith(".xlsx")


def _route_of(path: str) -> Route:
    """The route whose words and parts fit an address."""
    asked = path.partition("?")[0].split("/")

    def fits(route: Route) -> bool:
        parts = route.path.split("/")
        return len(parts) == len(asked) and all(
            a == b or (a.startswith("{") and a != b) for a, b in zip(parts, asked, strict=True)
        )

    return next(route for route in ROUTES if route.method == "GET" and fits(route))


def _words(route: Route, filled: Mapping[str, str]) -> dict[str, str]:
    """What a part stands for at this address alone."""
    if route.path.endswith("/{token}"):
        return {"token": filled[route.path.split("/")[1]]}
    if "/service/" in route.path:
        return {"kind": "in_service"}
    if route.path.startswith("/settings/tariffs/"):
        return {"item": TARIFF}
    return {"section": "tariffs", "item": TARIFF} if route.path == "/settings/{section}/{item}" else {}
