"""A server that only fans out: each event is framed once and written to all who follow it."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import uvloop

from benchmarks.bench import raise_file_limit

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_SOCKET = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %s\r\n\r\n"
)
_DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Followers = defaultdict[bytes, dict[Any, None]]

streams: Followers = defaultdict(dict)
sockets: Followers = defaultdict(dict)


class Connection(asyncio.Protocol):
    """A client that follows a channel, or the publisher."""

    def __init__(self) -> None:
        self._rest = b""
        self._left: Callable[[], object] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._left is not None:
            self._left()

    def data_received(self, data: bytes) -> None:
        if self._left is not None:
            return
        data = self._rest + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head, body = data[:end], data[end + 4 :]
            if head.startswith(b"POST"):
                size = int(_header(head, b"content-length"))
                if len(body) < size:
                    break
                publish(body[:size])
                self._transport.write(_DONE)
                data = body[size:]
            else:
                self._follow(head)
                return
        self._rest = data

    def _follow(self, head: bytes) -> None:
        _, transport, channel = head.split(b" ", 2)[1].split(b"/")
        self._rest = b""
        if transport == b"sse":
            self._join(streams[channel])
            self._transport.write(_STREAM)
        else:
            digest = hashlib.sha1(_header(head, b"sec-websocket-key") + _GUID).digest()  # noqa: S324
            self._join(sockets[channel])
            self._transport.write(_SOCKET % base64.b64encode(digest))

    def _join(self, followers: dict[Any, None]) -> None:
        followers[self._transport] = None
        self._left = lambda: followers.pop(self._transport)


def publish(body: bytes) -> None:
    """Fan out all events of a request; those of one channel are one write for each client."""
    texts: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for line in body.splitlines():
        channel, _, text = line.partition(b" ")
        texts[channel].append(text)
    for channel, events in texts.items():
        if channel in streams:
            block = b"".join(b"data: %s\n\n" % text for text in events)
            chunk = b"%x\r\n%s\r\n" % (len(block), block)
            for transport in streams[channel]:
                transport.write(chunk)
        if channel in sockets:
            frames = b"".join(b"\x81\x7e%s%s" % (len(t).to_bytes(2, "big"), t) for t in events)
            for transport in sockets[channel]:
                transport.write(frames)


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    raise ValueError(f"{name!r} is missing")


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    raise_file_limit()
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
