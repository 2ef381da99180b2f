"""Clients that come and go abruptly leave nothing behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect

from tests.acceptance.clients import (
    RawStream,
    cancel,
    get,
    sockets,
    submit,
    subscribe,
    wait_for_status,
    wait_until,
)
from tests.processes import WAYS, Server, serve

pytestmark = pytest.mark.xdist_group("strays")

ROUNDS, AT_ONCE = 4, 30


@pytest.fixture(scope="module", params=["daphne", "writers"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("strays"), **WAYS[request.param]) as running:
        yield running


def state(server: Server) -> dict[str, int]:
    with server.client() as client:
        found: dict[str, int] = client.get("/test-state").json()
    return found


def idle(server: Server, baseline: dict[str, int], open_before: int) -> bool:
    """Whether no client is left, by all that the server knows and the system shows."""
    now = state(server)
    return (
        now["feeds"] == 0
        and now["connections"] == 0
        and now["tasks"] <= baseline["tasks"]
        and sockets(server) <= open_before
    )


def half_sent(server: Server, job: dict[str, Any]) -> list[bytes]:
    """Requests that break off at different places."""
    whole = (
        f"GET {job['links']['events']} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {job['token']}\r\n"
    ).encode()
    polling = whole + b"Accept: application/json\r\nPrefer: wait=2\r\n\r\n"
    return [b"", whole[:30], whole, whole + b"\r\n", polling]


async def test_clients_that_are_reset_leave_no_task_feed_or_descriptor(
    server: Server, gate: Path
) -> None:
    warm = submit(server, "test.echo")
    wait_for_status(server, warm, "succeeded")
    wait_until(lambda: state(server)["feeds"] == 0, "the first feed to be closed")
    baseline, before = state(server), sockets(server)
    jobs = [submit(server, "test.hold", until=str(gate)) for _ in range(10)]
    for _ in range(ROUNDS):
        for number in range(AT_ONCE):
            job = jobs[number % len(jobs)]
            async with RawStream.open(server, job, cursor=job["cursor"]) as stream:
                if number % 3:
                    await stream.head()
                stream.reset()
        for job in jobs:
            async with connect(server.socket_url) as client:
                await subscribe(client, job)
                client.transport.abort()
        for job in jobs[:3]:
            for request in half_sent(server, job):
                with ExitStack() as stack:
                    raw = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    raw.sendall(request)
    wait_until(lambda: idle(server, baseline, before), f"nothing to be left: {baseline}, {before}")
    gate.touch()
    for job in jobs:
        assert wait_for_status(server, job, "succeeded")["result"] == "released"


async def test_a_client_that_never_reads_is_hung_up_on(server: Server) -> None:
    warm = submit(server, "test.echo")
    wait_for_status(server, warm, "succeeded")
    before = sockets(server)
    job = submit(server, "test.pour", chunks=1500, size=10_000, pause=0.001)
    async with RawStream.open(server, job, cursor=job["cursor"], buffer=4096) as slow:
        assert await slow.head() == 200
        wait_for_status(server, job, "succeeded")
        wait_until(lambda: state(server)["connections"] == 0, "its stream to end")
        wait_until(lambda: sockets(server) <= before, "its connection to be closed")


def test_asking_for_unknown_jobs_makes_the_server_keep_nothing(server: Server) -> None:
    job = submit(server, "test.echo")
    wait_for_status(server, job, "succeeded")
    before = state(server)["channels"]
    for _ in range(20):
        unknown = f"/jobs/{uuid4()}"
        for link in (unknown, f"{unknown}/response", f"{unknown}/events"):
            assert get(server, link, job).status_code == 404
        with server.client() as client:
            assert client.post("/jobs", json={"name": "no.such.job"}).status_code == 404
    assert cancel(server, job).status_code == 409
    assert state(server)["channels"] == before
