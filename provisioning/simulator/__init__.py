"""A simulated site at line speed: meters on ptys, loads of shops, faults. It knows no profile and no agent.

`SimulatedSite(description, state_dir)` runs it in this process; `python -m provisioning.simulator` in its own.
"""

from provisioning.simulator.bus import Exchange, SimulatedBus
from provisioning.simulator.faults import Fault, FaultKind
from provisioning.simulator.meter import SimulatedMeter
from provisioning.simulator.site import SimulatedSite
from provisioning.simulator.site_description import SiteDescription, SiteMistakes, load_site, parse_site

__all__ = [
    "Exchange",
    "Fault",
    "FaultKind",
    "SimulatedBus",
    "SimulatedMeter",
    "SimulatedSite",
    "SiteDescription",
    "SiteMistakes",
    "load_site",
    "parse_site",
]
