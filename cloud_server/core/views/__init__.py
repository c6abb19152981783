"""What pages and the API show: frozen rows, ready to be read by people. Values only: no words, no layout, no queries.

Money is micro-units, energy Wh, power W, instants UTC ms. `None` beside a value always means "not known"; the age
of a value stands beside it (`..._at_ms`), because a value without its age is taken for a live one.
"""

from cloud_server.core.views.desk import (
    AccountFound,
    SaleLimitsView,
    SaleSheet,
    SiteView,
)
from cloud_server.core.views.monitor import (
    BoxRow,
    BuildingRow,
    BusRow,
    Monitor,
    PointRow,
)
from cloud_server.core.views.point import (
    AccountView,
    AlarmRow,
    CommandRow,
    DayEnergy,
    IntervalRow,
    LiveValue,
    MeterView,
    NotedReplacement,
    PastMeterRow,
    PointPage,
    PriceNow,
    SwapRow,
    SwitchingRow,
    TestRow,
    WalletView,
)
from cloud_server.core.views.sale import DayOfSales, SalePartRow, SaleRow
from cloud_server.core.views.states import (
    METHODS,
    STATES,
    AccountState,
    Badge,
    BoxStanding,
    CommandState,
    LostWith,
    Method,
    PointState,
    PointUse,
    SaleState,
)

__all__ = [
    "METHODS",
    "STATES",
    "AccountFound",
    "AccountState",
    "AccountView",
    "AlarmRow",
    "Badge",
    "BoxRow",
    "BoxStanding",
    "BuildingRow",
    "BusRow",
    "CommandRow",
    "CommandState",
    "DayEnergy",
    "DayOfSales",
    "IntervalRow",
    "LiveValue",
    "LostWith",
    "MeterView",
    "Method",
    "Monitor",
    "NotedReplacement",
    "PastMeterRow",
    "PointPage",
    "PointRow",
    "PointState",
    "PointUse",
    "PriceNow",
    "SaleLimitsView",
    "SalePartRow",
    "SaleRow",
    "SaleSheet",
    "SaleState",
    "SiteView",
    "SwapRow",
    "SwitchingRow",
    "TestRow",
    "WalletView",
]
