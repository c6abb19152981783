"""Whether the centre runs, for whoever watches it. Says nothing that a stranger must not know."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from cloud_server.flows.centre import Centre


def health_routes(centre: Centre) -> APIRouter:
    """`/healthz`."""
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> JSONResponse:
        """200 while the database answers; `selling` says whether the journal can be written."""
        with centre.store.read() as unit:
            unit.site.fact("schema")
        selling = centre.journal.fault is None
        return JSONResponse({"status": "ok" if selling else "degraded", "selling": selling})

    return router
