"""What a client, or a view of the project, may do to the server without harm to others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import Server, serve

pytestmark = pytest.mark.xdist_group("hostile")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes bodies of 100 KB at most."""
    with serve(tmp_path_factory.mktemp("hostile"), settings={"MAX_UPLOAD": 100_000}) as server:
        yield server


@pytest.mark.parametrize("_again", range(3))
def test_a_view_that_fails_in_the_midst_of_its_response_ends_its_connection(
    small: Server, _again: int
) -> None:
    """Again and again: the first failure must not end the server's housekeeping."""
    with small.client() as client, pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.get("/test-broken-stream")


def test_a_body_of_unknown_length_is_refused_once_it_is_too_large(small: Server) -> None:
    with small.client() as client:
        answer = client.post("/jobs", content=(b"x" * 10_000 for _ in range(500)))
    assert answer.status_code == 413
    assert answer.json()["type"].endswith("too-large")


@pytest.mark.parametrize("path", ["/jobs", "/jobs/openapi.json", "/jobs/x/events", "/nowhere"])
def test_a_body_that_is_too_large_is_refused_at_every_url(small: Server, path: str) -> None:
    with small.client() as client:
        assert client.request("POST", path, content=b"x" * 200_000).status_code == 413


def test_no_header_moves_the_server_elsewhere(small: Server) -> None:
    with small.client() as client:
        answer = client.get("/jobs/openapi.json", headers={"Daphne-Root-Path": "/elsewhere"})
    assert answer.status_code == 200


def test_a_query_of_a_thousand_fields_is_a_bad_request(small: Server) -> None:
    with small.client() as client:
        answer = client.get("/jobs/events?" + "a&" * 1200)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_a_client_that_goes_in_the_midst_of_its_body_leaves_the_server_as_it_was(
    small: Server, tmp_path: Path
) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", small.port)) as connection:
            connection.sendall(
                b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\nhalf"
            )
    with small.client() as client:
        assert client.get("/jobs/openapi.json").status_code == 200
