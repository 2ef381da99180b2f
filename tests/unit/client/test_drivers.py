"""The two drivers, against a server that behaves as the test says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pushjobs.client import AsyncClient, Client, Event, Patience
from pushjobs.client.awaiting import _Line
from pushjobs.client.documents import Job
from pushjobs.client.steps import NextFrame
from tests.processes import NO_TLS
from tests.unit.client.drive import END, event
from tests.unit.client.test_asking import document

PATIENCE = Patience(opening=0.3, silence=10, answer=0.3, reading=0.3)
DOCUMENT = document(status="succeeded").json()


class Odd(ThreadingHTTPServer):
    """Each GET is answered by the next of ``answers``, and the last of them for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answers: list[Callable[[_Handler], None]] = []
        self.paths: list[str] = []
        self.closing = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: Odd
    protocol_version = "HTTP/1.1"  # Of another, a handshake reads no answer.

    def do_GET(self) -> None:
        self.server.paths.append(self.path.partition("?")[0])
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_: Any) -> None:
        pass

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()

    def end(self) -> None:
        body = json.dumps(event("succeeded", **END))
        self.wfile.write(f"id: c1\ndata: {body}\n\n".encode())


@pytest.fixture
def odd() -> Iterator[Odd]:
    with Odd() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


def answered(handler: _Handler) -> None:
    handler.begin()
    handler.end()


def late(handler: _Handler) -> None:
    """Says nothing for longer than the answer may take to begin."""
    handler.begin()
    handler.server.closing.wait(3 * PATIENCE.opening)
    handler.end()


def trickling(handler: _Handler) -> None:
    """A job's document, byte by byte, over several times the patience for an answer."""
    body = b" " * 40 + json.dumps(DOCUMENT).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Connection", "close")
    handler.end_headers()
    with suppress(OSError):  # Its reader has gone.
        for place in range(40):
            handler.wfile.write(body[place : place + 1])
            handler.server.closing.wait(PATIENCE.answer / 10)
        handler.wfile.write(body[40:])


def whole(handler: _Handler) -> None:
    body = json.dumps(DOCUMENT).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def never(handler: _Handler) -> None:
    handler.begin()
    handler.server.closing.wait()


def elsewhere(handler: _Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", handler.server.url.replace("http", "ws") + "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


async def asked(kind: str, url: str, call: str, *arguments: Any) -> Any:
    """What a client's method gives, or the error that it raises."""
    try:
        if kind == "awaiting":
            async with AsyncClient(url, patience=PATIENCE, ssl_context=NO_TLS) as client:
                return await getattr(client, call)(*arguments)
        with Client(url, patience=PATIENCE, ssl_context=NO_TLS) as client:
            return getattr(client, call)(*arguments)
    except Exception as error:
        return error


async def followed(kind: str, url: str, transports: list[str], patience: Patience) -> list[Event]:
    options: dict[str, Any] = {"transports": transports, "patience": patience}
    if kind == "awaiting":
        async with AsyncClient(url, ssl_context=NO_TLS, **options) as client:
            return [told async for told in client.follow("job:7")]
    with Client(url, ssl_context=NO_TLS, **options) as client:
        return list(client.follow("job:7"))


@pytest.fixture(params=["blocking", "awaiting"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_stream_may_be_quiet_for_longer_than_its_beginning(odd: Odd, kind: str) -> None:
    odd.answers = [late]
    (told,) = await followed(kind, odd.url, ["sse"], PATIENCE)
    assert (told.type, told.cursor) == ("job.succeeded", "c1")
    assert odd.paths == ["/jobs/7/events"]


async def test_a_stream_that_stays_silent_is_opened_anew(odd: Odd, kind: str) -> None:
    odd.answers = [never, answered]
    (told,) = await followed(kind, odd.url, ["sse"], Patience(silence=0.3))
    assert told.terminal
    assert len(odd.paths) == 2


async def test_an_answer_that_trickles_is_asked_for_anew(odd: Odd, kind: str) -> None:
    odd.answers = [trickling, whole]
    job = await asked(kind, odd.url, "get", "7")
    assert job.over
    assert len(odd.paths) == 2


def test_an_answer_may_take_longer_than_each_silence_may(odd: Odd) -> None:
    odd.answers = [trickling]
    with Client(odd.url, patience=Patience(answer=0.3), ssl_context=NO_TLS) as client:
        assert client.get("7").over
    assert len(odd.paths) == 1


async def test_a_response_may_take_its_time_until_the_deadline(odd: Odd, kind: str) -> None:
    job = Job.read(DOCUMENT)
    odd.answers = [trickling]
    answer = await asked(kind, odd.url, "response", job)
    assert answer.json() == DOCUMENT
    assert isinstance(await asked(kind, odd.url, "response", job, 0.3), TimeoutError)


async def test_a_handshake_is_not_sent_elsewhere(odd: Odd, kind: str) -> None:
    odd.answers = [elsewhere, answered]
    (told,) = await followed(kind, odd.url, ["websocket", "sse"], PATIENCE)
    assert told.terminal
    assert odd.paths == ["/jobs/socket", "/jobs/7/events"]


def test_a_token_that_is_no_text_is_refused(odd: Odd) -> None:
    with (
        Client(odd.url, token=lambda: 7, ssl_context=NO_TLS) as client,  # type: ignore[arg-type,return-value]
        pytest.raises(TypeError, match="a token is text"),
    ):
        client.get("7")


async def test_a_cancellation_is_not_lost_as_a_frame_comes() -> None:
    class Socket:
        """Says one thing, and then nothing."""

        def __init__(self) -> None:
            self.said: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def recv(self) -> str:
            said, self.said = self.said, asyncio.get_running_loop().create_future()
            return await said

    async with AsyncClient("http://127.0.0.1:9", ssl_context=NO_TLS) as client:
        line = _Line(client._http, {}, None)
        line._socket = socket = Socket()  # type: ignore[assignment]
        said = socket.said

        async def hears() -> None:
            while True:
                await line.do(NextFrame(60))

        task = asyncio.create_task(hears())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        said.set_result("frame")
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
