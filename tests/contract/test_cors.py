"""Requests from pages of other origins."""

from __future__ import annotations

import pytest

from tests.contract.clients import Client, Document

OURS, FOREIGN = "https://app.example", "https://evil.example"


@pytest.fixture
def ended(anyone: Client) -> Document:
    job = anyone.submit("test.echo")
    anyone.finished(job)
    return job


PATHS = pytest.mark.parametrize("path", ["", "/response", "/events", "/events?cursor=garbage"])


@PATHS
def test_an_allowed_origin_may_read(anyone: Client, ended: Document, path: str) -> None:
    response = anyone.get(f"/jobs/{ended['id']}{path}", ended["token"], Origin=OURS)
    assert response.headers["access-control-allow-origin"] == OURS
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "origin" in response.headers["vary"].lower()


@PATHS
def test_another_origin_may_not(anyone: Client, ended: Document, path: str) -> None:
    response = anyone.get(f"/jobs/{ended['id']}{path}", ended["token"], Origin=FOREIGN)
    assert "access-control-allow-origin" not in response.headers


def test_the_headers_of_the_wire_can_be_read(anyone: Client) -> None:
    response = anyone.post("test.echo", {"Origin": OURS})
    exposed = response.headers["access-control-expose-headers"].lower()
    for name in ("location", "retry-after", "link", "etag", "preference-applied"):
        assert name in exposed


@pytest.mark.parametrize("path", ["/jobs", "/jobs/{id}", "/jobs/{id}/events", "/jobs/events"])
def test_a_preflight_is_answered_whoever_asks(anyone: Client, ended: Document, path: str) -> None:
    headers = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, last-event-id, prefer",
    }
    url = path.format(id=ended["id"])
    response = anyone.http.options(url, headers=headers | {"Origin": OURS})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == OURS
    allowed = response.headers["access-control-allow-headers"].lower()
    for name in ("authorization", "last-event-id", "prefer", "idempotency-key"):
        assert name in allowed
    foreign = anyone.http.options(url, headers=headers | {"Origin": FOREIGN})
    assert "access-control-allow-origin" not in foreign.headers
