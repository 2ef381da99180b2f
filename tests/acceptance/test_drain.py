"""A drain: no client is shown an error, each is told to come back, and not all at once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.clients import bearer, submit, wait_for_status, wait_until
from tests.acceptance.quiet import Crowd
from tests.processes import WRITERS, Server, serve
from tests.redis_server import redis_url

pytestmark = pytest.mark.xdist_group("drain")

SETTINGS = {"SOCKET_HEARTBEAT": 1000, "STREAM_HEARTBEAT": 1000}
#: Far longer than a drain takes: a test waits in vain where uvicorn has to cut what is left.
PATIENT = ("--timeout-graceful-shutdown", "100")
#: How each server is started.
SERVERS = {
    "daphne": (),
    "uvicorn-asyncio": (*PATIENT, "--loop=asyncio", "--http=h11", "--ws=websockets-sansio"),
    "uvicorn-uvloop": (*PATIENT, *WRITERS),
}
EXIT_CODES = {"daphne": 0, "uvicorn": -signal.SIGTERM}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    kind = request.param.partition("-")[0]
    with serve(tmp_path, kind=kind, settings=SETTINGS, options=SERVERS[request.param]) as running:
        yield running


def send(server: Server, number: signal.Signals) -> None:
    assert server.process is not None
    server.process.send_signal(number)


def refuses(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), 5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # It closed its door on us: the next one shall tell.
        return False
    return False


async def exit_code(server: Server) -> int:
    assert server.process is not None
    return await asyncio.to_thread(server.process.wait, 30)


async def test_everyone_is_told_to_come_back_and_not_all_at_once(server: Server) -> None:
    async with Crowd(server) as crowd, httpx.AsyncClient(base_url=server.url) as kept:
        job = submit(server, "test.echo")
        assert (await kept.get(job["links"]["self"], headers=bearer(job))).status_code < 300
        send(server, signal.SIGTERM)
        await crowd.ending.wait()
        assert refuses(server)

        # A connection that was there before is served, for the last time. A stream is opened and
        # told to go: to refuse it would stop a browser's for good.
        async with kept.stream("GET", job["links"]["events"], headers=bearer(job)) as late:
            assert (late.status_code, late.headers["connection"]) == (200, "close")
            text = (await late.aread()).decode()
        assert text.count("retry: ") == 2
        assert "event: job.snapshot" in text

        await crowd.left()
        crowd.check()
        assert crowd.pongs > 0
        assert await exit_code(server) == EXIT_CODES[server.kind]
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log


async def test_an_upload_in_flight_is_answered(tmp_path: Path) -> None:
    # Daphne has no request before it has its body.
    with serve(tmp_path, kind="uvicorn", options=PATIENT) as server:
        body = b'{"name": "test.echo", "run_at": "2099-01-01T00:00:00Z"}'
        head = f"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body[:10])
        await writer.drain()
        # What the server has read before this answer is what was sent before it.
        httpx.get(f"{server.url}/test-state")
        send(server, signal.SIGTERM)
        await asyncio.to_thread(wait_until, lambda: refuses(server), "the drain")
        writer.write(body[10:])
        answer = (await reader.read()).decode().lower()
        assert answer.startswith("http/1.1 202 ")
        assert "\r\nconnection: close\r\n" in answer
        writer.close()
        assert await exit_code(server) == -signal.SIGTERM
        assert "Traceback" not in server.log


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_a_second_interrupt_waits_for_nothing(tmp_path: Path, gate: Path, kind: str) -> None:
    options = PATIENT if kind == "uvicorn" else ()
    settings = {"SHUTDOWN_GRACE": 100}
    with serve(tmp_path, kind=kind, settings=settings, options=options) as server:
        job = submit(server, "test.hold", until=str(gate))
        wait_for_status(server, job, "running")
        send(server, signal.SIGINT)
        await asyncio.to_thread(wait_until, lambda: refuses(server), "the drain")
        send(server, signal.SIGINT)
        assert await exit_code(server) in (0, -signal.SIGINT)


async def test_each_worker_process_of_uvicorn_drains_whatever_the_signals(tmp_path: Path) -> None:
    """Ctrl-C reaches all of a group, and the parent passes on a signal of its own to each."""
    with redis_url(tmp_path) as url:
        several = {
            "settings": SETTINGS | {"EMBEDDED_THREADS": 0},
            "options": (*PATIENT, "--workers=2", *WRITERS),
            "environment": {"REDIS_URL": url},
        }
        with serve(tmp_path, kind="uvicorn", **several) as server:
            async with Crowd(server) as crowd:
                assert server.process is not None
                os.killpg(server.process.pid, signal.SIGINT)
                await crowd.left()
                crowd.check()
                await exit_code(server)
            assert "Traceback" not in server.log
