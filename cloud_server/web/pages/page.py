"""What every page has at hand beside its visit."""

from dataclasses import dataclass

from cloud_server.web.export_jobs import ExportJobs
from cloud_server.web.live import MonitorHub, StreamSlots
from cloud_server.web.render import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The console's own parts, one of each in a process."""

    renderer: Renderer
    hub: MonitorHub
    slots: StreamSlots
    exports: ExportJobs
