"""uvicorn's HTTP protocol with writers: a stream learns that its client has gone."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.unit.uvicorn_server import PATIENCE, raw, serving, writer_of

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_stream_is_told_that_its_client_has_gone_while_a_pipelined_request_waits() -> None:
    told: list[str] = []
    over = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        writer = writer_of(scope)
        stopped = asyncio.Event()
        writer.on_stop = stopped.set
        while not stopped.is_set():  # Nothing is read while a request waits: writes find it out.
            writer.write(writer.frame([b"beat"]))
            await asyncio.sleep(0.001)
        told.append((await receive())["type"])
        over.set()

    async with serving(app) as port, raw(port, REQUEST * 2) as (reader, writer):
        await reader.readuntil(b"beat")
        writer.transport.abort()
        await asyncio.wait_for(over.wait(), PATIENCE)
    assert told == ["http.disconnect"]
