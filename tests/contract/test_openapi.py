"""The OpenAPI document says what the server does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks

from tests.contract.clients import Client, Document, unique
from tests.contract.followers import PATIENCE
from tests.processes import Server

OPERATIONS = ["submit", "list", "read", "response", "cancel", "retry", "make-token"]


#: Operations of which a request can be wrong by the document alone.
REFUSABLE = ["submit", "list", "make-token"]
CASES = [(name, GenerationMode.POSITIVE, False) for name in OPERATIONS]
CASES += [(name, GenerationMode.POSITIVE, True) for name in OPERATIONS]
CASES += [(name, GenerationMode.NEGATIVE, False) for name in REFUSABLE]


@pytest.fixture(scope="module", params=["anyone", "user"])
def client(any_server: Server, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Who sends the requests."""
    user = unique("ann") if request.param == "user" else None
    with Client(any_server, user) as found:
        yield found


@pytest.fixture(scope="module")
def job(client: Client) -> Document:
    """A job of this client, which has failed."""
    found = client.submit("test.refuse", tags=("a",))
    client.finished(found)
    return found


@pytest.fixture(scope="module")
def api(client: Client) -> Any:
    headers = client.credentials.headers()
    if headers:
        headers["X-CSRFToken"] = client.http.headers["X-CSRFToken"]
    config = SchemathesisConfig.from_dict({"headers": headers})
    return schemathesis.openapi.from_url(f"{client.server.url}/jobs/openapi.json", config=config)


def aim(case: schemathesis.Case, job: Document) -> None:
    """Let a request that fits the document meet a job that there is."""
    if "job_id" in case.path_parameters:
        case.path_parameters["job_id"] = job["id"]
    if isinstance(case.body, dict) and "name" in case.body:
        case.body["name"] = "test.echo"


@pytest.mark.parametrize(
    ("operation", "mode", "aimed"),
    CASES,
    ids=[f"{name}-{'aimed' if aimed else mode.value}" for name, mode, aimed in CASES],
)
def test_every_answer_is_one_that_the_document_promises(
    api: Any, job: Document, operation: str, mode: GenerationMode, aimed: bool
) -> None:
    """Of requests that fit the document and of such that do not.

    One that fits may be refused all the same: what a job takes is not in the document.
    """

    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api.find_operation_by_id(operation).as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        if aimed:
            aim(case, job)
        case.call_and_validate(timeout=PATIENCE, excluded_checks=[checks.positive_data_acceptance])

    check()


def test_the_document_names_every_operation(any_server: Server) -> None:
    with Client(any_server) as client:
        document = client.get("/jobs/openapi.json").json()
        page = client.get("/jobs/docs")
    found = {
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    }
    assert found >= set(OPERATIONS)
    assert page.status_code == 200
    assert "openapi.json" in page.text
