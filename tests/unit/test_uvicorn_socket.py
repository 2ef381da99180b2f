"""uvicorn's WebSocket protocol with writers: the bytes of ``send``, and its control of the flow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect

from pushjobs.writer import Writer
from tests.unit.uvicorn_server import PATIENCE, all_of, fill, raw, serving, writer_of

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXTS = ["", "one", "Grüße", "x" * 125, "x" * 126, "x" * 65_536]
CLOSE = {"type": "websocket.close", "code": 1000}
#: The close frame of the server, and one of a client, whose mask is zero.
CLOSE_FRAME = b"\x88\x02" + (1000).to_bytes(2, "big")
CLIENT_CLOSE = b"\x88\x82\0\0\0\0" + (1000).to_bytes(2, "big")


async def accept(receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})


async def until_gone(receive: Any) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def written(scope: Any, receive: Any, send: Any) -> None:
    await accept(receive, send)
    writer = writer_of(scope)
    writer.write(writer.frame([text.encode() for text in TEXTS]))
    await send(CLOSE)
    writer.write(writer.frame([b"late"]))
    await until_gone(receive)
    writer.write(writer.frame([b"later"]))


async def sent(scope: Any, receive: Any, send: Any) -> None:
    await accept(receive, send)
    for text in TEXTS:
        await send({"type": "websocket.send", "text": text})
    await send(CLOSE)
    await until_gone(receive)


async def test_the_bytes_are_those_of_send_and_the_close_frame_is_the_last() -> None:
    answers = []
    for app in (written, sent):
        async with serving(app) as port, raw(port, HANDSHAKE) as (reader, writer):
            answer = await reader.readuntil(b"\r\n\r\n")
            while not answer.endswith(CLOSE_FRAME):
                answer += await reader.read(1 << 20)
            writer.write(CLIENT_CLOSE)
            answers.append(answer + await all_of(reader))
    assert answers[0] == answers[1]
    assert answers[0].startswith(b"HTTP/1.1 101 ")
    assert answers[0].endswith(CLOSE_FRAME)


async def test_a_client_reads_each_payload_as_a_message() -> None:
    async with serving(written) as port, connect(f"ws://127.0.0.1:{port}", proxy=None) as client:
        assert [text async for text in client] == TEXTS
        assert client.close_code == 1000


async def test_a_slow_reader_is_waited_for_and_misses_nothing() -> None:
    written: list[bytes] = []
    drains: list[asyncio.Task[None]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        writer = writer_of(scope)
        written.append(fill(writer))
        drains.append(asyncio.create_task(writer.drain()))
        await drains[0]
        assert not writer.paused
        await send(CLOSE)

    async with (
        serving(app) as port,
        connect(f"ws://127.0.0.1:{port}", proxy=None, max_queue=1) as client,
    ):
        found = [await client.recv(decode=False)]
        assert not drains[0].done()
        found += [bytes(message, "ascii") async for message in client]
    assert b"".join(found) == written[0]


async def test_a_client_that_leaves_while_it_is_waited_for_ends_the_wait() -> None:
    filled: asyncio.Future[Writer] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        writer = writer_of(scope)
        fill(writer)
        filled.set_result(writer)
        await writer.drain()
        assert not writer.paused
        writer.write(writer.frame([b"to no one"]))
        ended.set()

    async with serving(app) as port:
        async with raw(port, HANDSHAKE):
            await asyncio.wait_for(filled, PATIENCE)
        await asyncio.wait_for(ended.wait(), PATIENCE)


async def test_after_the_clients_close_frame_nothing_is_written() -> None:
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        writer = writer_of(scope)
        fill(writer)
        await until_gone(receive)
        writer.write(writer.frame([b"late"]))
        ended.set()

    async with serving(app) as port, raw(port, HANDSHAKE) as (reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CLIENT_CLOSE)
        assert (await all_of(reader)).endswith(CLOSE_FRAME)
        await asyncio.wait_for(ended.wait(), PATIENCE)


@pytest.mark.parametrize(
    ("ends", "close_frame"),
    [
        ("shutdown", b"\x88\x02" + (1012).to_bytes(2, "big")),
        ("keepalive_timeout", b"\x88\x18" + (1011).to_bytes(2, "big") + b"keepalive ping timeout"),
    ],
)
async def test_a_close_frame_of_uvicorns_own_is_the_last(ends: str, close_frame: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        writer = writer_of(scope)
        fill(writer)  # The transport takes what comes until all of it is sent.
        getattr(receive.__self__, ends)()
        writer.write(writer.frame([b"late"]))

    async with serving(app) as port, raw(port, HANDSHAKE) as (reader, _):
        assert (await all_of(reader)).endswith(close_frame)


async def test_a_connection_has_one_writer_and_none_before_it_is_accepted() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(RuntimeError, match="the connection is not accepted"):
            writer_of(scope)
        await accept(receive, send)
        assert writer_of(scope) is writer_of(scope)
        await send(CLOSE)

    async with serving(app) as port, connect(f"ws://127.0.0.1:{port}", proxy=None) as client:
        await client.wait_closed()
        assert client.close_code == 1000
