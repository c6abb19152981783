"""The wall between deciding and doing: what the one thread that owns the state asks of the world, and hears from it.

Protocols, the messages that cross them, and their errors. No implementation lives here; fakes and real parts both
satisfy these. One module a port; this page names them all.
"""

from edge_agent.ports.bus_reports import (
    BoundaryDone,
    BusDown,
    BusReport,
    BusUp,
    ClockReport,
    CycleDone,
    DetailReport,
    FaultReport,
    ForeignMaster,
    MeterBack,
    MeterLost,
    PrepaidReport,
    ReadingReport,
    RelayOutcome,
    RelayReport,
    SerialReport,
    ValueRefused,
    WorkerDied,
)
from edge_agent.ports.clock import (
    Clock,
    SettableClock,
)
from edge_agent.ports.disk import (
    NEEDS_RIGHTS,
    Disk,
)
from edge_agent.ports.lending import (
    LentAnswer,
    LentQuestion,
)
from edge_agent.ports.local_request import (
    LocalRequest,
)
from edge_agent.ports.meter_bus import (
    MeterBus,
    PolledMeter,
    PrepaidOrder,
    RelayOrder,
    ReportSink,
)
from edge_agent.ports.record_store import (
    PendingRecord,
    RecordStore,
    Remains,
    Remembered,
    SealedBatch,
    StoreFault,
    StoreFull,
    StoreUnusable,
)
from edge_agent.ports.renewal import (
    CertificateRenewed,
    RenewalFailed,
    RenewalReport,
    Renewer,
)
from edge_agent.ports.uplink import (
    Blame,
    Exchange,
    ExchangeAnswered,
    ExchangeFailed,
    ExchangeReport,
    Uplink,
)

__all__ = [
    "NEEDS_RIGHTS",
    "Blame",
    "BoundaryDone",
    "BusDown",
    "BusReport",
    "BusUp",
    "CertificateRenewed",
    "Clock",
    "ClockReport",
    "CycleDone",
    "DetailReport",
    "Disk",
    "Exchange",
    "ExchangeAnswered",
    "ExchangeFailed",
    "ExchangeReport",
    "FaultReport",
    "ForeignMaster",
    "LentAnswer",
    "LentQuestion",
    "LocalRequest",
    "MeterBack",
    "MeterBus",
    "MeterLost",
    "PendingRecord",
    "PolledMeter",
    "PrepaidOrder",
    "PrepaidReport",
    "ReadingReport",
    "RecordStore",
    "RelayOrder",
    "RelayOutcome",
    "RelayReport",
    "Remains",
    "Remembered",
    "RenewalFailed",
    "RenewalReport",
    "Renewer",
    "ReportSink",
    "SealedBatch",
    "SerialReport",
    "SettableClock",
    "StoreFault",
    "StoreFull",
    "StoreUnusable",
    "Uplink",
    "ValueRefused",
    "WorkerDied",
]
