"""The wall between deciding and doing at the centre: what flows, console and API ask of the parts that touch the world.

Protocols, the requests that cross them, and their errors: `console` for the pages, `store` for rows, `authority` for
keys, journal and live parts. No implementation lives here; fakes and real parts both satisfy these.
"""

from cloud_server.core.mistakes import FieldError, FieldErrorCode
from cloud_server.ports.authority import (
    Authority,
    BadProof,
    BoxCertificate,
    FailPoint,
    Journal,
    JournalFault,
    LiveBoard,
    LiveMeter,
    SiteFacts,
    WakeUp,
)
from cloud_server.ports.console import (
    Actor,
    Books,
    Chance,
    Desk,
    KeyReused,
    LiveFeed,
    LooksLikeDuplicate,
    Operation,
    OperationKind,
    Operations,
    Refused,
    SaleOrder,
    WallClock,
)
from cloud_server.ports.office import AlarmDesk, OperationBook, Reports
from cloud_server.ports.people import Failures, NameTaken, Passwords, People, SessionRow, StaffRow
from cloud_server.ports.store import (
    Store,
    Unit,
)

__all__ = [
    "Actor",
    "AlarmDesk",
    "Authority",
    "BadProof",
    "Books",
    "BoxCertificate",
    "Chance",
    "Desk",
    "FailPoint",
    "Failures",
    "FieldError",
    "FieldErrorCode",
    "Journal",
    "JournalFault",
    "KeyReused",
    "LiveBoard",
    "LiveFeed",
    "LiveMeter",
    "LooksLikeDuplicate",
    "NameTaken",
    "Operation",
    "OperationBook",
    "OperationKind",
    "Operations",
    "Passwords",
    "People",
    "Refused",
    "Reports",
    "SaleOrder",
    "SessionRow",
    "SiteFacts",
    "StaffRow",
    "Store",
    "Unit",
    "WakeUp",
    "WallClock",
]
