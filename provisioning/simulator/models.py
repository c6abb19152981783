"""The models that the simulator knows, by the name that a site description uses."""

from provisioning.simulator import adf400l_single_phase, adf400l_three_phase, armable, dtsy1352
from provisioning.simulator.model import MeterModel

MODELS: dict[str, MeterModel] = {
    model.name: model
    for model in (adf400l_single_phase.MODEL, adf400l_three_phase.MODEL, dtsy1352.MODEL, armable.MODEL)
}
