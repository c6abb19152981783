"""What every page has at hand beside its visit."""

from dataclasses import dataclass

from cloud_server.web.export_jobs import ExportJobs
from cloud_server.web.live import MonitorHub, MonitorHubs, StreamSlots
from cloud_server.web.render import Renderer
from cloud_server.web.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The console's own parts, one of each in a process."""

    renderer: Renderer
    hubs: MonitorHubs
    slots: StreamSlots
    exports: ExportJobs

    def hub_of(self, visit: Visit) -> MonitorHub:
        """What moves by itself, of the part of the site that this visit sees."""
        return self.hubs.of(visit.services.books, visit.services.feed)
