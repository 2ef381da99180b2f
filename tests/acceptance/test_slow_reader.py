"""A client that connects and reads nothing costs only itself."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance.clients import (
    PATIENCE,
    RawStream,
    memory,
    submit,
    subscribe,
    text_of,
    wait_for_status,
)
from tests.processes import WAYS, Server, serve

pytestmark = pytest.mark.xdist_group("slow")

FAST = 10
#: Twice what the buffers of a connection and its backlog take.
CHUNKS, SIZE, PAUSE = 700, 15_000, 0.003
#: A log and a backlog, the buffers of eleven connections, and what the allocator keeps.
BOUND = 60_000_000
BUFFER = 4096


@pytest.fixture(scope="module", params=WAYS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    limits = {"MAX_OUTPUT": 2 * CHUNKS * SIZE}
    way = WAYS[request.param]
    with serve(tmp_path_factory.mktemp("slow"), settings=limits, **way) as running:
        for _ in range(8):
            wait_for_status(running, submit(running, "test.echo"), "succeeded")
        yield running


def poured() -> str:
    return "".join(f"{number:>10}".ljust(SIZE, ".") for number in range(CHUNKS))


@asynccontextmanager
async def fast_streams(server: Server, job: dict[str, Any]) -> AsyncGenerator[list[RawStream]]:
    async with AsyncExitStack() as stack:
        crowd = [
            await stack.enter_async_context(RawStream.open(server, job, cursor=job["cursor"]))
            for _ in range(FAST)
        ]
        yield crowd


async def read_all(server: Server, crowd: list[RawStream]) -> int:
    """Read the streams to their end; returns by how much the server's memory grew at most."""
    before = peak = memory(server)

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, memory(server))
            await asyncio.sleep(0.05)

    watcher = asyncio.create_task(watch())
    for stream in crowd:
        assert await stream.head() == 200
    await asyncio.gather(*(stream.read() for stream in crowd))
    watcher.cancel()
    return peak - before


async def test_a_stream_that_is_not_read_is_cut_off_and_resumes(server: Server) -> None:
    job = submit(server, "test.pour", chunks=CHUNKS, size=SIZE, pause=PAUSE)
    async with RawStream.open(server, job, cursor=job["cursor"], buffer=BUFFER) as slow:
        assert await slow.head() == 200
        await slow.read(until=lambda it: len(it.events) > 0)
        async with fast_streams(server, job) as crowd:
            grown = await read_all(server, crowd)
        for stream in crowd:
            assert stream.complete
            assert stream.events[-1][1] == "job.succeeded", stream.events[-1]
            assert text_of(stream.events) == poured()
        assert grown < BOUND
        await asyncio.wait_for(slow.read(), PATIENCE)  # what was on its way, then the end
        assert not slow.complete
    known = [cursor for cursor, _, _ in crowd[0].events]
    heard = [cursor for cursor, _, _ in slow.events]
    assert heard == known[: len(heard)]
    assert len(heard) < len(known)
    async with RawStream.open(server, job, cursor=heard[-1]) as resumed:
        assert await resumed.head() == 200
        await resumed.read()
    assert resumed.complete
    told = json.loads(resumed.events[-1][2])
    if told["type"] == "job.snapshot":  # the log no longer has what comes after the cursor
        assert told["data"]["recovered"] is False
        assert told["data"]["status"] == "succeeded"
    else:
        assert [cursor for cursor, _, _ in resumed.events] == known[len(heard) :]


async def test_a_socket_that_is_not_read_is_cut_off_and_told_to_come_back(server: Server) -> None:
    job = submit(server, "test.pour", chunks=CHUNKS, size=SIZE, pause=PAUSE)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    raw.connect(("127.0.0.1", server.port))
    async with connect(
        server.socket_url, sock=raw, compression=None, max_queue=1, ping_interval=None
    ) as slow:
        await subscribe(slow, job, cursor=job["cursor"])
        async with fast_streams(server, job) as crowd:
            grown = await read_all(server, crowd)
        assert all(text_of(stream.events) == poured() for stream in crowd)
        assert grown < BOUND
        cursors = await frames_of(slow)
        # 3008 where the close could still be written, 1006 where the connection was cut.
        assert slow.close_code in (3008, 1006)
    known = [cursor for cursor, _, _ in crowd[0].events]
    assert cursors == known[: len(cursors)]
    assert len(cursors) < len(known)


async def frames_of(connection: ClientConnection) -> list[str]:
    cursors = []
    with suppress(ConnectionClosed):
        async for text in connection:
            frame = json.loads(text)
            if frame["type"] == "event":
                cursors.append(frame["cursor"])
    return cursors
