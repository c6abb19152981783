"""Every address asked with what its own document allows and forbids: no fault of ours, no answer that is not described.

Bounded and from one seed, so that a red run is red because of the change. To look further:
`pytest tests/cloud_server/api/test_schema.py --hypothesis-profile=deep`.
"""

from collections.abc import Iterator

import pytest
import schemathesis
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
from cloud_server.core.api_token import SCOPES
from cloud_server.flows.issue_token import issue_token
from tests.cloud_server.api.programs_rig import Programs, open_programs
from tests.cloud_server.site_rig import open_rig

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 6
"""A case takes milliseconds; some sixty addresses with six examples each stay below a minute."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    with open_rig(tmp_path_factory.mktemp("schema")) as rig:
        rig.plan()
        box = rig.enrol(1)
        rig.sell("100.00")
        rig.settle(box)
        with open_programs(rig) as made:
            yield made


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
def test_every_address_answers_as_its_document_says(programs: Programs, mode: GenerationMode) -> None:
    secret = issue_token(programs.rig.centre, f"fuzz-{mode.value}", SCOPES, 90, "test").secret
    document = schemathesis.openapi.from_asgi(OPENAPI_URL, programs.app)
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
