"""The wall between deciding and doing at the centre: what flows, console and API ask of the parts that touch the world.

Protocols, the requests that cross them, and their errors; `console` holds those of the pages, `store` those of the
flows. No implementation lives here; fakes and real parts both satisfy these.
"""

from cloud_server.core.mistakes import FieldError, FieldErrorCode
from cloud_server.ports.console import (
    Actor,
    Books,
    Chance,
    Desk,
    Failures,
    KeyReused,
    LiveFeed,
    LooksLikeDuplicate,
    NameTaken,
    Operation,
    OperationKind,
    Operations,
    Passwords,
    People,
    Refused,
    SaleOrder,
    SessionRow,
    StaffRow,
    WallClock,
)

__all__ = [
    "Actor",
    "Books",
    "Chance",
    "Desk",
    "Failures",
    "FieldError",
    "FieldErrorCode",
    "KeyReused",
    "LiveFeed",
    "LooksLikeDuplicate",
    "NameTaken",
    "Operation",
    "OperationKind",
    "Operations",
    "Passwords",
    "People",
    "Refused",
    "SaleOrder",
    "SessionRow",
    "StaffRow",
    "WallClock",
]
