"""uvicorn's HTTP protocol with writers: the bytes of ``send``, and its control of the flow."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import h11
import httpx
import pytest

from pushjobs.writer import Writer
from tests.unit.uvicorn_server import PATIENCE, all_of, fill, raw, serving, writer_of

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/x")]}
END = {"type": "http.response.body", "body": b""}
CLOSING = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def written(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    writer = writer_of(scope)
    for payloads in ([b"one ", b"two "], [], [b""], [b"three " * 100]):
        writer.write(writer.frame(payloads))
    await send(END)


async def sent(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    for payload in (b"one two ", b"", b"three " * 100):
        await send({"type": "http.response.body", "body": payload, "more_body": True})
    await send(END)


@pytest.mark.parametrize(
    "request_line",
    ["GET / HTTP/1.1", "HEAD / HTTP/1.1", "GET / HTTP/1.0", "HEAD / HTTP/1.0"],
)
async def test_the_bytes_are_those_of_send(request_line: str) -> None:
    answers = []
    for app in (written, sent):
        async with (
            serving(app) as port,
            raw(port, f"{request_line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode()) as (
                reader,
                _,
            ),
        ):
            answers.append(await all_of(reader))
    assert answers[0] == answers[1]
    assert answers[0].startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("method", "start"),
    [
        ("GET", {"status": 204}),
        ("HEAD", {"headers": [(b"transfer-encoding", b"chunked")]}),
    ],
)
async def test_a_response_without_a_body_gets_none(method: str, start: dict[str, Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START | start)
        writer = writer_of(scope)
        writer.write(writer.frame([b"a body"]))
        await send(END)

    request = CLOSING.replace(b"GET", method.encode())
    async with serving(app) as port, raw(port, request) as (reader, _):
        head, _, body = (await all_of(reader)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert body == b""


async def test_the_chunks_are_valid_to_a_strict_parser() -> None:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    async with serving(written) as port, raw(port, CLOSING) as (reader, _):
        client.receive_data(await all_of(reader))
    body = b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            body += event.data
    assert body == b"one two " + b"three " * 100


async def test_a_connection_is_kept_after_the_end_of_a_stream() -> None:
    ports = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ports.append(scope["client"][1])
        await written(scope, receive, send)

    async with serving(app) as port, httpx.AsyncClient() as client:
        answers = [(await client.get(f"http://127.0.0.1:{port}/")).text for _ in range(2)]
    assert answers == ["one two " + "three " * 100] * 2
    assert ports[0] == ports[1]


async def test_a_pipelined_request_is_answered_after_the_stream_before_it() -> None:
    first_may_end = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        writer = writer_of(scope)
        if scope["path"] == "/first":
            await first_may_end.wait()
        writer.write(writer.frame([scope["path"].encode()]))
        await send(END)
        # What is late must not come into the answer that follows.
        writer.write(writer.frame([b"late"]))

    both = b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n" + CLOSING.replace(b"/ ", b"/second ", 1)
    async with serving(app) as port, raw(port, both) as (reader, _):
        head = await reader.readuntil(b"\r\n\r\n")
        first_may_end.set()
        rest = await all_of(reader)
    chunk, second = b"6\r\n/first\r\n0\r\n\r\n", b"7\r\n/second\r\n0\r\n\r\n"
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.startswith(chunk + b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"\r\n\r\n" + second)
    assert b"late" not in rest


async def test_a_slow_reader_is_waited_for_and_misses_nothing() -> None:
    written: list[bytes] = []
    drains: list[asyncio.Task[None]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        writer = writer_of(scope)
        assert not writer.paused
        written.append(fill(writer))
        drains.append(asyncio.create_task(writer.drain()))
        await drains[0]
        assert not writer.paused
        await send(END)

    async with (
        serving(app) as port,
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("GET", f"http://127.0.0.1:{port}/") as response,
    ):
        assert not drains[0].done()
        body = await response.aread()
    assert body == written[0]


async def test_a_client_that_leaves_while_it_is_waited_for_ends_the_wait() -> None:
    filled: asyncio.Future[Writer] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        writer = writer_of(scope)
        fill(writer)
        filled.set_result(writer)
        await writer.drain()
        writer.write(writer.frame([b"to no one"]))
        assert not writer.paused
        await send(END)
        writer_of(scope).write(writer.frame([b"to no one"]))
        ended.set()

    async with serving(app) as port:
        async with raw(port, CLOSING):
            await asyncio.wait_for(filled, PATIENCE)
        await asyncio.wait_for(ended.wait(), PATIENCE)


async def test_one_response_has_one_writer_and_each_response_its_own() -> None:
    writers = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        writers.append((writer_of(scope), writer_of(scope)))
        await send(END)

    async with serving(app) as port, httpx.AsyncClient() as client:
        for _ in range(2):
            await client.get(f"http://127.0.0.1:{port}/")
    (one, same), (two, _) = writers
    assert one is same
    assert one is not two


@pytest.mark.parametrize(
    ("headers", "started", "message"),
    [
        ([], False, "the response has not started"),
        ([(b"content-length", b"2")], True, "a response with a content-length has no chunks"),
    ],
)
async def test_a_response_that_cannot_be_written_to_has_no_writer(
    headers: list[tuple[bytes, bytes]], started: bool, message: str
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        start = START | {"headers": headers}
        if started:
            await send(start)
        with pytest.raises(RuntimeError, match=message):
            writer_of(scope)
        if not started:
            await send(start)
        await send(END | {"body": b"ok"})

    async with serving(app) as port, httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/")).text == "ok"


async def test_a_response_is_freed_without_the_garbage_collector() -> None:
    cycles = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await written(scope, receive, send)
        cycles.append(weakref.ref(send.__self__))

    async with serving(app) as port, httpx.AsyncClient() as client:
        gc.disable()
        try:
            for _ in range(2):
                await client.get(f"http://127.0.0.1:{port}/")
            assert cycles[0]() is None
        finally:
            gc.enable()
