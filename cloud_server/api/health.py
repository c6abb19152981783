"""Whether the centre runs, for whoever watches it. Says nothing that a stranger must not know."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from cloud_server.flows.centre import Centre


def health_routes(centre: Centre) -> APIRouter:
    """`/healthz`."""
    router = APIRouter()

    @router.get("/healthz", tags=["health"])
    def healthz() -> JSONResponse:
        """200 while the database answers, 503 when it does not; `selling` says whether the journal can be written."""
        ready = _database_answers(centre)
        selling = ready and centre.journal.fault is None
        status = "ok" if selling else "degraded" if ready else "not_ready"
        headers = {} if ready else {"Retry-After": "5"}
        return JSONResponse({"status": status, "selling": selling}, status_code=200 if ready else 503, headers=headers)

    return router


def _database_answers(centre: Centre) -> bool:
    try:
        with centre.store.read() as unit:
            return unit.site.fact("schema") is not None
    except Exception:  # noqa: BLE001  # whatever keeps the database from answering, the answer is the same: not ready
        return False
