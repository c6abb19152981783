"""Puts together what the console is given, from the centre and the parts that it shares with boxes and programs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cloud_server.core.territory import Territory
from cloud_server.flows.bounds import Bounds
from cloud_server.flows.centre import Centre
from cloud_server.flows.change_settings import SettingsDesk
from cloud_server.flows.courier_desk import Couriers
from cloud_server.flows.import_site import SiteImport
from cloud_server.flows.keep_look import SiteLook
from cloud_server.flows.keep_profiles import ProfileDesk
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.office import Office, open_office
from cloud_server.flows.operate_meters import MeterOperations
from cloud_server.flows.read_alarms import AlarmOffice
from cloud_server.flows.read_batches import BatchBook
from cloud_server.flows.read_books import ReadBooks
from cloud_server.flows.read_money import MoneyReader
from cloud_server.flows.read_reports import ReportOffice
from cloud_server.flows.read_state import StateReader
from cloud_server.flows.second_factor import SecondFactor
from cloud_server.flows.sell_credit import SalesDesk
from cloud_server.flows.sign_in import SignIn
from cloud_server.ports import LiveFeed
from cloud_server.web.services import Services

TERRITORIES_KEPT_MAX: Final = 64
"""Different limits in use at once; beyond, all are made anew, which takes a look at the plan each."""


def console_services(
    centre: Centre,
    office: Office,
    books: ReadBooks,
    feed: LiveFeed,
    alarms: AlarmOffice,
    sign_in: SignIn,
    second: SecondFactor,
    staff: StaffOffice,
) -> Services:
    """Everything that pages ask and act through."""
    return Services(
        books=books,
        desk=SalesDesk(centre, books),
        money=MoneyReader(centre),
        refunds=office.refunds,
        reversals=office.reversals,
        office=office,
        settings=SettingsDesk(centre),
        profiles=ProfileDesk(centre),
        imports=SiteImport(centre),
        look=SiteLook(centre),
        courier=Couriers(centre),
        state=StateReader(centre),
        operations=MeterOperations(centre),
        alarms=alarms,
        batches=BatchBook(centre),
        reports=ReportOffice(centre, alarms),
        staff=staff,
        feed=feed,
        sign_in=sign_in,
        second=second,
        clock=centre.clock,
        chance=centre.chance,
        public_url=centre.site.public_url,
        narrow=_narrower(centre, books),
    )


def _narrower(centre: Centre, books: ReadBooks) -> Callable[[Services, Territory], Services]:
    """Makes the services of people who are limited to buildings, once for each limit."""
    made: dict[Territory, Services] = {}

    def narrow(services: Services, territory: Territory) -> Services:
        if territory not in made:
            if len(made) >= TERRITORIES_KEPT_MAX:
                made.clear()
            made[territory] = _within(services, centre.within(territory), books)
        return made[territory]

    return narrow


def _within(services: Services, seen: Centre, books: ReadBooks) -> Services:
    """Everything that reads or acts on what stands in a building, over the centre as it is seen from there."""
    part, office, alarms = ReadBooks(seen, books), open_office(seen), AlarmOffice(seen)
    return replace(
        services,
        books=part,
        desk=SalesDesk(seen, part),
        money=MoneyReader(seen),
        refunds=office.refunds,
        reversals=office.reversals,
        office=office,
        settings=SettingsDesk(seen),
        courier=Couriers(seen),
        state=StateReader(seen),
        operations=MeterOperations(seen),
        alarms=alarms,
        batches=BatchBook(seen),
        reports=ReportOffice(seen, alarms),
        messages=services.messages.within(seen) if services.messages is not None else None,
        bounds=Bounds(seen),
    )
