"""A clean stop: running jobs have their grace, then go back; streams are told to go."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance.clients import (
    RawStream,
    read,
    submit,
    subscribe,
    wait_for_status,
    wait_until,
)
from tests.processes import Server, serve

pytestmark = pytest.mark.xdist_group("stop")


@pytest.fixture
def stoppable(tmp_path: Path) -> Iterator[Server]:
    with serve(tmp_path, settings={"SHUTDOWN_GRACE": 1.5}) as server:
        yield server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_gives_grace_and_then_gives_back(
    stoppable: Server, gate: Path, number: signal.Signals
) -> None:
    server, never = stoppable, gate.with_name("never")
    brief = submit(server, "test.talk", until=str(gate))
    long = submit(server, "test.talk", until=str(never))
    queued = [submit(server, "test.talk", until=str(never)) for _ in range(8)]
    for job in (brief, long):
        wait_for_status(server, job, "running")

    async with (
        RawStream.open(server, long, cursor=long["cursor"]) as stream,
        connect(server.socket_url) as socket,
    ):
        assert await stream.head() == 200
        await stream.read(until=lambda it: bool(it.events))
        await subscribe(socket, long)
        retries = stream.retries

        assert server.process is not None
        server.process.send_signal(number)
        wait_until(lambda: "Stopping: jobs that run have 1.5 s" in server.log, "the stop to begin")
        gate.touch()  # within its grace
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
        assert socket.close_code == 3001
        await stream.read()
        assert stream.complete
        assert stream.retries > retries
    assert await asyncio.to_thread(server.process.wait, 20) == 0
    assert "Traceback" not in server.log

    never.touch()
    server.start()
    # Neither has attempts to lose: each may run once only.
    for job in (long, *queued):
        found = wait_for_status(server, job, "succeeded", "failed")
        assert found["status"] == "succeeded", found["error"]
    assert read(server, long)["attempt"] == 2
    assert read(server, brief)["status"] == "succeeded"
    assert read(server, brief)["attempt"] == 1


def test_an_embedded_worker_under_uvicorn_gives_back_too(tmp_path: Path, gate: Path) -> None:
    with serve(tmp_path, kind="uvicorn", settings={"SHUTDOWN_GRACE": 0.2}) as server:
        job = submit(server, "test.talk", until=str(gate))
        wait_for_status(server, job, "running")
        server.stop()
        gate.touch()
        server.start()
        found = wait_for_status(server, job, "succeeded", "failed")
        assert (found["status"], found["attempt"]) == ("succeeded", 2)


def test_a_second_server_on_the_same_database_is_refused(server: Server) -> None:
    job = submit(server, "test.echo", value="still served")
    second = Server(server.folder)
    with pytest.raises(
        RuntimeError, match=r"another server runs jobs from .*jobs\.sqlite3 already"
    ):
        second.start()
    assert second.process is not None
    assert second.process.returncode == 1
    assert wait_for_status(server, job, "succeeded")["result"] == "still served"


def test_a_port_that_is_taken_is_said_to_be(server: Server, tmp_path: Path) -> None:
    second = Server(tmp_path, port=server.port)
    with suppress(RuntimeError):  # The first one may answer in its place.
        second.start()
    assert second.process is not None
    assert second.process.wait(60) == 1
    assert "the server cannot listen" in second.log
    assert "Serving on" not in second.log


def test_an_embedded_worker_that_may_not_run_keeps_uvicorn_from_serving(server: Server) -> None:
    second = Server(server.folder, kind="uvicorn", settings={"EMBEDDED_THREADS": 1})
    with pytest.raises(RuntimeError, match=r"another server runs jobs from .*jobs\.sqlite3"):
        second.start()
