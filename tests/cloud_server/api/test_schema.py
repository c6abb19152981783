"""Every address asked with what its own document allows and forbids: no fault of ours, no answer that is not described.

Bounded and from one seed, so that a red run is red because of the change. To look further:
`pytest tests/cloud_server/api/test_schema.py --hypothesis-profile=deep`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import jsonschema_rs
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cloud_server.api.program_routes import OPENAPI_URL
from cloud_server.api.throttle import Rates
from cloud_server.app import make_app
from cloud_server.config import read_config
from cloud_server.core.api_token import SCOPES
from cloud_server.flows.issue_token import issue_token
from cloud_server.ports.database import PostgresAddress
from cloud_server.wiring import Parts, wire
from tests.cloud_server.api.programs_rig import NO_LIMIT
from tests.cloud_server.site_rig import open_rig
from tests.cloud_server.street import meter_id

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 5
"""A case takes milliseconds; some sixty addresses with five examples each stay below a minute."""


@dataclass
class Site:
    """The application as it is served, and what it was wired from."""

    app: FastAPI
    parts: Parts


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, module_database: PostgresAddress | None) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("schema")
    with open_rig(folder, database=module_database) as rig:
        rig.plan()
        box = rig.enrol(1)
        rig.sell("100.00")
        rig.settle(box)
        box.use(meter_id(1, 2), 250)
        box.seal()
        rig.settle(box)
    parts = wire(read_config(folder / "site" / "centre.toml"))
    app = make_app(parts)
    # Work that nobody asks for would run beside each request.
    app.router.lifespan_context = _nothing_beside
    app.state.throttle.rates = Rates(token=NO_LIMIT, address=NO_LIMIT, stranger=NO_LIMIT)
    yield Site(app, parts)
    parts.close()


@asynccontextmanager
async def _nothing_beside(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.mark.sqlite_first
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
def test_every_address_answers_as_its_document_says(site: Site, mode: GenerationMode) -> None:
    secret = issue_token(site.parts.centre, f"fuzz-{mode.value}", SCOPES, 90, "test").secret
    document = schemathesis.openapi.from_asgi(OPENAPI_URL, site.app)
    asked, faults = set(), []
    for found in document.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not _can_be_wrong(operation):
            continue
        strategy = operation.as_strategy(generation_mode=mode)
        try:
            _ask(strategy, secret)
        except AssertionError as fault:
            faults.append(f"{operation.label}: {fault}")
        except FailureGroup as group:
            faults.append(f"{operation.label}: {group.exceptions[0]}")
        asked.add(operation.label)
    assert not faults, "\n\n".join(faults)
    assert len(asked) > (40 if mode is GenerationMode.POSITIVE else 10)


def _can_be_wrong(operation: schemathesis.APIOperation) -> bool:
    """Whether there is a body. What is wrong in a query is generated as values that no address can hold, and comes out
    as names that nobody asked for."""
    return bool(operation.body)


def _ask(strategy: SearchStrategy[schemathesis.Case], secret: str) -> None:
    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=strategy)
    def ask(case: schemathesis.Case) -> None:
        response = case.call(headers={"Authorization": f"Bearer {secret}"})
        case.validate_response(response, checks=CHECKS)

    ask()


def test_every_body_has_an_example_that_would_be_taken(site: Site) -> None:
    document = site.app.openapi()
    schemas = document["components"]["schemas"]
    bodies = [
        content["schema"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json" and "$ref" in content["schema"]
    ]
    assert len(bodies) > 20
    for body in bodies:
        name = body["$ref"].rpartition("/")[2]
        (example,) = schemas[name].get("examples", [None])
        assert example is not None, f"{name} has no example in cloud_server/api/examples.py"
        jsonschema_rs.validate(body | {"components": document["components"]}, example)
