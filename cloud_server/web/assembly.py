"""Puts together what the console is given, from the centre and the parts that it shares with boxes and programs."""

from cloud_server.flows.centre import Centre
from cloud_server.flows.change_settings import SettingsDesk
from cloud_server.flows.courier_desk import Couriers
from cloud_server.flows.import_site import SiteImport
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.office import Office
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
        imports=SiteImport(centre),
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
    )
