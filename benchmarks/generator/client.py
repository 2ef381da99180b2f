"""Clients: one connection each, counting the events that come over it.

They do as little as can be done without trusting the server: all count, and those that check read
each event's number, so that a gap, a repeat or another order shows.
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
from typing import Any, Protocol

from benchmarks.generator.payload import LENGTH, MARK, PATTERN

_MARK = MARK[0]
_TEXT, _CLOSE, _PING = 1, 8, 9
_ID = re.compile(rb"\nid: ([^\n]+)\n")
_KEY = base64.b64encode(bytes(16)).decode()


class Watch(Protocol):
    """Who is told what the clients get."""

    #: Whether every client reads every event's number and time.
    timing: bool

    def ready(self) -> None:
        """A client follows its channel."""

    def got(self, count: int) -> None:
        """A client got so many events."""

    def took(self, number: int, seconds: float) -> None:
        """An event reached a client so long after it was published."""

    def failed(self, reason: str) -> None:
        """A client was refused, cut off, or got something else than what was published."""


class Client(asyncio.Protocol):
    """What clients of both transports have in common.

    ``ready`` is what the server sends once the client follows its channel.
    """

    transport: Any

    def __init__(self, request: bytes, ready: bytes, checks: bool, watch: Watch) -> None:
        self.request = request
        self.ready_mark = ready
        self.checks = checks
        self.watch = watch
        self.received = 0
        self.last: int | None = None
        #: The ``id`` of the last event before the client was ready, to come back with.
        self.cursor: str | None = None
        self.is_ready = False
        self.closing = False
        self.rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closing:
            self.watch.failed(f"a connection ended: {error or 'by the server'}")

    def close(self) -> None:
        """Hang up."""
        self.closing = True
        self.transport.abort()

    def check(self, data: bytes, count: int) -> None:
        """Read the numbers in what holds ``count`` whole marks."""
        now = time.monotonic_ns()
        found = PATTERN.findall(data)
        if len(found) != count:
            self.watch.failed(f"{count} events came, of which {len(found)} can be read")
        for digits, moment in found:
            number = int(digits)
            if self.last is not None and number != self.last + 1:
                self.watch.failed(f"event {number} came after event {self.last}")
            self.last = number
            if self.watch.timing:
                self.watch.took(number, (now - int(moment)) / 1e9)

    def fail(self, reason: str) -> None:
        self.closing = True
        self.transport.abort()
        self.watch.failed(reason)

    def _follow(self) -> None:
        self.is_ready = True
        self.watch.ready()


class StreamClient(Client):
    """A client of Server-Sent Events."""

    def data_received(self, data: bytes) -> None:
        if not self.is_ready:
            self._open(data)
            return
        count = data.count(_MARK)
        if count:
            self.received += count
            if self.checks or self.watch.timing:
                self._check(data)
            self.watch.got(count)
        elif self.rest:
            self._check(data)

    def _open(self, data: bytes) -> None:
        self.rest += data
        if self.rest[:12] != b"HTTP/1.1 200"[: len(self.rest)]:
            self.fail(f"a stream was refused: {_status(self.rest)}")
        elif self.ready_mark in self.rest:
            found = _ID.search(self.rest)
            self.cursor = found[1].decode() if found else None
            self.rest = b""
            self._follow()

    def _check(self, data: bytes) -> None:
        data = self.rest + data
        # A chunk may end within a mark's numbers: they are read with the next one.
        start = data.rfind(MARK)
        cut = start if start >= 0 and len(data) - start < LENGTH else len(data)
        self.rest = data[cut:]
        whole = data[:cut]
        self.check(whole, whole.count(_MARK))


class SocketClient(Client):
    """A client of WebSocket (RFC 6455, section 5); ``say`` is what it sends once it is open."""

    def __init__(
        self, request: bytes, ready: bytes, checks: bool, watch: Watch, say: list[str]
    ) -> None:
        super().__init__(request, ready, checks, watch)
        self.say = say
        self.is_open = False

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        if not self.is_open:
            head = data.find(b"\r\n\r\n")
            if head < 0:
                self.rest = data
                return
            self._open(data[:head])
            data = data[head + 4 :]
        size, count, place = len(data), 0, 0
        while size - place >= 2:
            start, end = _payload(data, place)
            if size < start or size < end:
                break
            opcode = data[place] & 15
            # A ping carries any bytes, the mark among them.
            if opcode == _TEXT and data.find(MARK, start, end) >= 0:
                count += 1
            else:
                self._other(opcode, data[start:end])
            place = end
        self.rest = data[place:]
        if count:
            self.received += count
            if self.checks or self.watch.timing:
                # The bytes of a frame's head may hold the mark, but not with numbers after it.
                self.check(data[:place], count)
            self.watch.got(count)

    def _open(self, head: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 101"):
            self.fail(f"a socket was refused: {_status(head)}")
            return
        self.is_open = True
        for frame in self.say:
            self.transport.write(masked(_TEXT, frame.encode()))
        if not self.ready_mark:
            self._follow()

    def _other(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self.transport.write(masked(_PING + 1, payload))
        elif opcode == _CLOSE:
            self.fail(f"a socket was closed: {payload!r}")
        elif not self.is_ready and self.ready_mark in payload:
            self._follow()


def _payload(data: bytes, place: int) -> tuple[int, int]:
    """Where the payload of the frame begins and ends; both may be beyond what has come."""
    start, length = place + 2, data[place + 1]
    if length >= 126:
        start += 2 if length == 126 else 8
        length = int.from_bytes(data[place + 2 : start], "big")
    return start, start + length


def _status(answer: bytes) -> str:
    return answer.partition(b"\r\n")[0].decode(errors="replace")


def masked(opcode: int, payload: bytes) -> bytes:
    """A frame from a client; its mask is zero, which costs no time and is allowed."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE))
    return head + (b"" if size < 126 else size.to_bytes(2, "big")) + bytes(4) + payload


def request(transport: str, host: str, path: str, headers: dict[str, str]) -> bytes:
    """The bytes that open a stream, or a socket without compression."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    if transport == "websocket":
        lines += ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {_KEY}"]
        lines += ["Sec-WebSocket-Version: 13"]
    else:
        lines += ["Accept: text/event-stream"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
