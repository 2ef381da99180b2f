"""Every fenced example of ``docs/protocol.md``, run against a really running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.processes import ROOT, Server
from tests.protocol.examples import (
    Fence,
    Message,
    Mismatch,
    Values,
    blocks,
    match_blocks,
    sections,
)
from tests.protocol.traffic import PATIENCE, User

EXAMPLES = sections((ROOT / "docs" / "protocol.md").read_text())
STREAM = "text/event-stream"


class Reader:
    """One who does what the examples say, in their order, against a server."""

    def __init__(self, server: Server, cookies: httpx.Cookies, http: httpx.Client) -> None:
        self.server = server
        self.values = Values({"session": cookies["sessionid"], "csrf": cookies["csrftoken"]})
        self.http = http

    def run(self, fences: list[Fence]) -> None:
        waiting = iter(fences)
        for fence in waiting:
            try:
                match fence.language:
                    case "http":
                        self.exchange(Message.of(fence.text), Message.of(next(waiting).text))
                    case "frames":
                        self.converse(fence.text.splitlines())
                    case other:
                        raise Mismatch(f"no one runs examples in {other!r}")
            except Mismatch as error:
                pytest.fail(f"docs/protocol.md, the example of line {fence.line}: {error}")

    def exchange(self, request: Message, response: Message) -> None:
        """Send a request and hold its answer against the documented one."""
        headers = {name: self.values.fill(value) for name, value in request.headers}
        method, path, version = self.values.fill(request.first).split(" ")
        assert version == "HTTP/1.1"
        body = self.values.fill(request.body)
        if headers.get("Content-Type", "").startswith("multipart/"):
            body = body.replace("\n", "\r\n") + "\r\n"
        with self.http.stream(method, path, headers=headers, content=body.encode()) as answer:
            if answer.status_code != response.status:
                raise Mismatch(f"status {answer.status_code}: {answer.read().decode()}")
            for name, value in response.headers:
                self.values.match_text(value, answer.headers.get(name, ""), name)
            if answer.headers.get("content-type") == STREAM:
                endless = path.startswith("/jobs/events")
                text = _read(answer, len(list(blocks(response.body))) if endless else None)
                match_blocks(self.values, response.body, text)
            elif response.body:
                self.values.match(json.loads(response.body), json.loads(answer.read()))
            elif answer.read():
                raise Mismatch(f"a body: {answer.text}")

    def converse(self, lines: list[str]) -> None:
        """Send and receive the frames of a WebSocket, line for line."""
        with connect(self.server.socket_url) as wire:
            for line in lines:
                direction, rest = line[0], line[2:]
                if direction == ">":
                    wire.send(self.values.fill(rest))
                elif rest.startswith("close "):
                    with pytest.raises(ConnectionClosed) as closed:
                        wire.recv(timeout=PATIENCE)
                    assert closed.value.rcvd is not None
                    self.values.match(int(rest[6:]), closed.value.rcvd.code)
                else:
                    self.values.match(json.loads(rest), json.loads(wire.recv(timeout=PATIENCE)))


def _read(answer: httpx.Response, count: int | None) -> str:
    """A stream to its end; one that has none up to so many blocks."""
    text = ""
    for chunk in answer.iter_text():
        text += chunk
        if count is not None and text.endswith("\n\n") and len(list(blocks(text))) >= count:
            break
    return text


@pytest.fixture
def reader(server: Server) -> Iterator[Reader]:
    with User(server) as user, httpx.Client(base_url=server.url, timeout=PATIENCE) as http:
        yield Reader(server, user.http.cookies, http)


@pytest.mark.parametrize("section", EXAMPLES)
def test_the_examples_are_true(reader: Reader, section: str) -> None:
    reader.run(EXAMPLES[section])


def test_every_part_of_the_wire_has_examples() -> None:
    assert EXAMPLES.keys() == {
        "Submit",
        "Poll",
        "Asynchronous views",
        "Pages of events",
        "Server-Sent Events",
        "WebSocket",
        "Tokens",
        "Problems",
    }


def _http(text: str) -> Fence:
    return Fence("http", text, 1)


REQUEST = _http("GET /jobs/nobody HTTP/1.1\nAuthorization: Bearer forged")
PROBLEM = {
    "type": "urn:pushjobs:problem:unauthorized",
    "title": "Valid credentials are required",
    "status": 401,
    "detail": "the token is not valid",
}


def _response(
    status: str, body: Any, header: str = "Content-Type: application/problem+json"
) -> Fence:
    return _http(f"HTTP/1.1 {status}\n{header}\n\n{json.dumps(body)}")


def test_a_true_example_passes(reader: Reader) -> None:
    reader.run([REQUEST, _response("401 Unauthorized", PROBLEM)])
    reader.run([REQUEST, _response("401 Unauthorized", {"status": 401, "…": "…"})])


@pytest.mark.parametrize(
    "false",
    [
        _response("404 Not Found", PROBLEM),
        _response("401 Unauthorized", PROBLEM, "Content-Type: application/json"),
        _response("401 Unauthorized", PROBLEM, "X-Other: there"),
        _response("401 Unauthorized", PROBLEM | {"status": 400}),
        _response("401 Unauthorized", PROBLEM | {"status": "401"}),
        _response("401 Unauthorized", PROBLEM | {"detail": "<time>"}),
        _response("401 Unauthorized", PROBLEM | {"more": None}),
        _response("401 Unauthorized", PROBLEM | {"…": "…"}),
        _response("401 Unauthorized", {"status": 401}),
        _http("HTTP/1.1 401 Unauthorized"),
    ],
)
def test_a_false_example_fails(reader: Reader, false: Fence) -> None:
    with pytest.raises(pytest.fail.Exception):
        reader.run([REQUEST, false])


def test_a_false_stream_fails() -> None:
    stream = 'retry: 5\n\nid: 00000000.a.1\nevent: job.queued\ndata: {"attempt":0}\n\n'
    match_blocks(
        Values(), stream.replace("5", "<number>").replace("00000000.a.1", "<cursor>"), stream
    )
    for old, new in (("queued", "started"), ("0}", "1}"), ("id:", "no:"), ("retry: 5\n\n", "")):
        with pytest.raises(Mismatch):
            match_blocks(Values(), stream.replace(old, new), stream)


def test_a_placeholder_is_the_same_value_everywhere() -> None:
    values = Values()
    one, other = "00000000.a.1", "00000000.a.2"
    values.match({"a": "<cursor-1>", "b": "<cursor-1>"}, {"a": one, "b": one})
    with pytest.raises(Mismatch):
        values.match("<cursor-1>", other)
