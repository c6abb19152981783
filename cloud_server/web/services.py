"""All that the console is given: the ports it asks and acts through, and how its address looks. Nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

from cloud_server.core.territory import Territory
from cloud_server.flows.bounds import Bounds
from cloud_server.flows.change_settings import SettingsDesk
from cloud_server.flows.customer_page import CustomerPages
from cloud_server.flows.import_site import SiteImport
from cloud_server.flows.keep_look import SiteLook
from cloud_server.flows.keep_profiles import ProfileDesk
from cloud_server.flows.keep_staff import StaffOffice
from cloud_server.flows.message_desk import MessageDesk
from cloud_server.flows.office import Office
from cloud_server.flows.second_factor import SecondFactor
from cloud_server.flows.sign_in import SignIn
from cloud_server.ports import AlarmDesk, Books, Chance, Desk, LiveFeed, OperationBook, Operations, Reports, WallClock
from cloud_server.ports.courier import CourierDesk
from cloud_server.ports.money import MoneyBooks, RefundDesk, ReversalDesk
from cloud_server.ports.state import StateBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Handed to `routes.mount` by whoever wires the program."""

    books: Books
    desk: Desk
    money: MoneyBooks
    refunds: RefundDesk
    reversals: ReversalDesk
    office: Office
    settings: SettingsDesk
    profiles: ProfileDesk
    imports: SiteImport
    look: SiteLook
    courier: CourierDesk
    state: StateBook
    operations: Operations
    alarms: AlarmDesk
    batches: OperationBook
    reports: Reports
    staff: StaffOffice
    feed: LiveFeed
    sign_in: SignIn
    second: SecondFactor
    messages: MessageDesk | None = None
    """None: a console without messages."""
    customer_pages: CustomerPages | None = None
    bounds: Bounds | None = None
    """Judges what an address names for somebody who is limited to buildings; None for the whole site."""
    narrow: "Callable[[Services, Territory], Services] | None" = None
    """How these become those of somebody who is limited to buildings. None: nobody is, and whoever is gets nothing."""
    clock: WallClock
    chance: Chance
    public_url: str
    """The address that staff type, for example "https://centre.example:18443": forms are taken from there only,
    beside the address of the request itself."""

    def within(self, territory: Territory) -> "Services":
        """What somebody is given who is limited to buildings: nothing that lies outside can be asked of it."""
        if territory.is_whole:
            return self
        if self.narrow is None:
            raise LookupError("this console has no narrowed services, and somebody is limited to buildings")
        return self.narrow(self, territory)
