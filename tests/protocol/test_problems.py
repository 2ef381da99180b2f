"""Problem documents where a client would hardly look for them."""

from __future__ import annotations

import httpx
import pytest

from tests.processes import NO_TLS, Server


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/jobs"), ("DELETE", "/jobs/nobody"), ("PUT", "/jobs/nobody/events")],
)
def test_a_method_that_is_not_for_the_url_is_a_problem(
    server: Server, method: str, path: str
) -> None:
    answer = httpx.request(method, server.url + path, verify=NO_TLS)
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert "GET" in answer.headers["allow"]
    assert answer.json() == {
        "type": "urn:pushjobs:problem:method-not-allowed",
        "title": "The method is not for this URL",
        "status": 405,
    }
