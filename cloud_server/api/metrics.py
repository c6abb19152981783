"""`/metrics` for Prometheus, in its text format (version 0.0.4). For tokens with the scope `metrics` and nobody else.

No customer, no account and no address stands in it; boxes by the name that is painted on them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from cloud_server.api.bearer import asks_for
from cloud_server.api.request_counts import BOUNDS_S, RequestCounts
from cloud_server.flows.centre import Centre
from cloud_server.flows.measure import Measured, measure

TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]


def metric_routes(centre: Centre, counts: RequestCounts, database_bytes: Callable[[], int | None]) -> APIRouter:
    """`/metrics`."""
    router = APIRouter()

    @router.get(
        "/metrics",
        tags=["health"],
        dependencies=[Depends(asks_for(centre, "metrics"))],
        response_class=Response,
        responses={200: {"content": {TEXT_TYPE: {"schema": {"type": "string"}}}}},
    )
    def metrics() -> Response:
        """Everything that is worth an alarm or a curve."""
        lines = [*_site(measure(centre)), *_database(database_bytes()), *_requests(counts)]
        return Response("\n".join(lines) + "\n", media_type=TEXT_TYPE)

    return router


def _site(seen: Measured) -> Iterable[str]:
    yield from _metric("boxes", "gauge", "Boxes of the plan by state.", _by("state", seen.boxes))
    yield from _metric("boxes_in_reach", "gauge", "Boxes that a command would reach now.", [({}, seen.in_reach)])
    yield from _metric("boxes_lost", "gauge", "Boxes silent for longer than their limit.", [({}, seen.lost)])
    lags = [({"box": box}, ms / 1000) for box, ms in sorted(seen.lag_ms.items())]
    yield from _metric("batch_lag_seconds", "gauge", "Age of the newest posted batch of a box.", lags)
    kept = {"parked": 0, "behind_parked": 0} | seen.batches
    yield from _metric("batches_waiting", "gauge", "Batches kept and not posted.", _by("state", kept))
    text = "Signed commands that their boxes have not fetched."
    yield from _metric("commands_waiting", "gauge", text, [({}, seen.commands_waiting)])
    yield from _metric("alarms_standing", "gauge", "Alarms that stand, by kind.", _by("kind", seen.alarms))
    sales = {method: count for method, (count, _) in seen.sold.items()}
    micro = {method: micro for method, (_, micro) in seen.sold.items()}
    yield from _metric("sales_total", "counter", "Sales by method.", _by("method", sales))
    yield from _metric("sales_micro_total", "counter", "What sales came to, in micro-units.", _by("method", micro))
    yield from _metric("selling", "gauge", "1 while the journal can be written.", [({}, int(seen.selling))])
    yield from _metric("journal_bytes", "gauge", "Length of the journal at its last mark.", [({}, seen.journal_bytes)])
    text = "Deliveries to other programs by state."
    yield from _metric("webhook_deliveries", "gauge", text, _by("state", seen.webhooks))


def _database(size: int | None) -> Iterable[str]:
    samples: list[tuple[Labels, float]] = [] if size is None else [({}, size)]
    yield from _metric("database_bytes", "gauge", "Size of the database.", samples)


def _requests(counts: RequestCounts) -> Iterable[str]:
    ended: list[tuple[Labels, float]] = [
        ({"method": method, "route": route, "status": str(status)}, count)
        for (method, route, status), count in sorted(counts.ended().items())
    ]
    yield from _metric("http_requests_total", "counter", "Requests that have ended.", ended)
    name = "tallybox_http_request_seconds"
    yield f"# HELP {name} How long requests took, held ones included."
    yield f"# TYPE {name} histogram"
    for route, (places, sum_s) in sorted(counts.took().items()):
        reached = 0
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), places, strict=True):
            reached += count
            yield f"{name}_bucket{_labels({'route': route, 'le': bound})} {reached}"
        yield f"{name}_sum{_labels({'route': route})} {sum_s:.6f}"
        yield f"{name}_count{_labels({'route': route})} {reached}"


def _by(label: str, counts: Mapping[str, int]) -> list[tuple[Labels, float]]:
    return [({label: name}, count) for name, count in sorted(counts.items())]


def _metric(name: str, kind: str, text: str, samples: Iterable[tuple[Labels, float]]) -> Iterable[str]:
    yield f"# HELP tallybox_{name} {text}"
    yield f"# TYPE tallybox_{name} {kind}"
    for labels, value in samples:
        yield f"tallybox_{name}{_labels(labels)} {value}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
