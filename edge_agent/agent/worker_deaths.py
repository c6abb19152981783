"""When a bus's worker died by an error of ours: whether it is begun anew, or the whole agent is."""

from dataclasses import dataclass
from typing import Final

from edge_agent.ports import WorkerDied

DEATHS_MAX: Final = 3
DEATHS_WITHIN_MS: Final = 600_000
"""A worker that dies is begun anew, so that the other buses go on. One that dies again and again says that more is
wrong than it knows: then the process ends with an error, and the service manager starts it clean."""


@dataclass(slots=True)
class WorkerDeaths:
    """Counts them over all buses; for the owner's thread alone."""

    _lately: tuple[int, ...] = ()
    """When they died, on the monotonic clock."""

    def too_many(self, report: WorkerDied) -> str | None:
        """Count one more; why the agent has to be started again, or None where a new worker will do."""
        lately = (at for at in self._lately if report.at_mono_ms - at < DEATHS_WITHIN_MS)
        self._lately = (*lately, report.at_mono_ms)
        if len(self._lately) < DEATHS_MAX:
            return None
        return f"the worker of a bus died {len(self._lately)} times, last that of {report.bus}"
