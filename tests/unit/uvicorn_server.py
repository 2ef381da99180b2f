"""uvicorn with this package's protocols, in the loop of a test, and a client of raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from pushjobs.writer import EXTENSION, Writer

App = Callable[[Any, Any, Any], Awaitable[None]]

PATIENCE = 20


class _Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: App, **options: Any) -> AsyncIterator[int]:
    """Serve ``app`` while inside; gives the port. No header changes with the time."""
    config = uvicorn.Config(
        app,
        port=0,
        http="pushjobs.httpprotocol:HttpProtocol",
        ws="pushjobs.socketprotocol:SocketProtocol",
        lifespan="off",
        log_config=None,
        date_header=False,
        timeout_graceful_shutdown=PATIENCE,
        **options,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
        assert not running.done()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, PATIENCE)


@asynccontextmanager
async def raw(
    port: int, sent: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection over which ``sent`` is sent at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """All bytes until the server closes the connection."""
    return await asyncio.wait_for(reader.read(), PATIENCE)


def writer_of(scope: Any) -> Writer:
    writer: Writer = scope["extensions"][EXTENSION]()
    return writer


def fill(writer: Writer) -> bytes:
    """Write far more than the connection takes; returns what was written."""
    payload = b"x" * 65_000
    written = 0
    while not writer.paused:
        writer.write(writer.frame([payload]))
        written += 1
    # Who reads a little is still paused.
    for _ in range(40):
        writer.write(writer.frame([payload]))
    return payload * (written + 40)
