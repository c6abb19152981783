"""Reading on demand: somebody presses *read*, the box reads the meter before its next round."""

from fastapi import APIRouter, Depends

from cloud_server.api.bearer import asks_for
from cloud_server.flows.centre import Centre
from cloud_server.flows.read_on_demand import read_now


def on_demand_routes(centre: Centre) -> APIRouter:
    """One address."""
    router = APIRouter(prefix="/api/v1", tags=["points"])

    @router.post("/meters/{meter}/reading", status_code=202, dependencies=[Depends(asks_for(centre, "read"))])
    def read(meter: str) -> dict[str, bool]:
        """Read this meter now; what it shows comes as a live value within seconds where the box is in reach."""
        return {"in_reach": read_now(centre, meter)}

    return router
