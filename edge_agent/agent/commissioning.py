"""What a commissioning report needs of the agent: the plan that it holds, and its signature under the report.

The signature is made under a payload type of its own, so that nothing signed here can be played as a batch.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from edge_agent.ports import LocalRequest
from protocol.envelope import seal

if TYPE_CHECKING:
    from edge_agent.agent.owner import Owner

REPORT_TYPE: Final = "commissioning"
REPORT_BYTES_MAX: Final = 512 * 1024
"""A report on a hundred meters takes a tenth of it."""


def planned_meters(owner: Owner, request: LocalRequest) -> dict[str, Any]:  # noqa: ARG001 - one row of a table of requests
    """What the plan says should hang where: by meter its bus, unit id, model, serial number, ratio and shop."""
    config = owner.box.state.config
    buses = {bus.bus: bus.name for bus in config.buses}
    fed = {meter for wallet in config.wallets for meter in wallet.meters}
    return {
        "box": owner.box.who.box,
        "config_version": owner.box.state.marks.config_version,
        "buses": list(buses.values()),
        "meters": [
            {
                "meter": meter.meter,
                "name": meter.name,
                "bus": buses[meter.bus],
                "unit": meter.unit,
                "profile": meter.profile,
                "serial": meter.serial,
                "ct": list(meter.ratios[-1].ct),
                "pt": list(meter.ratios[-1].pt),
                "rated_ma": meter.rated_ma,
                "account": meter.meter in fed,
                "settable": owner.box.place.profile_of[meter.meter].unit_id is not None,
            }
            for meter in config.meters
        ],
        "profiles": {profile.profile: profile.text for profile in config.profiles},
    }


def sign_report(owner: Owner, request: LocalRequest) -> dict[str, Any]:
    """The report as a line signed with the box's record key."""
    text = request.arguments.get("text")
    if not isinstance(text, str) or not 0 < len(text.encode()) <= REPORT_BYTES_MAX:
        return {"error": f"text: a report of at most {REPORT_BYTES_MAX} bytes is needed"}
    line = seal(REPORT_TYPE, text.encode(), owner.box.who.record_key)
    return {"line": base64.b64encode(line.raw).decode(), "record_key": owner.box.who.record_key.public.text}
