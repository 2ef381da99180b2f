"""A proxy such as people sit behind: it refuses, silences or holds back, each kind by itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from tests.chaos.proxy import Network

#: What a request asks for: a WebSocket, an SSE stream, a page of events that may take its time (a
#: long poll), any other page of events, or something else.
Kind = Literal["socket", "stream", "wait", "page", "other"]

#: What becomes of it. ``refuse``: 502 at once. ``cut``: 504, in the place of a late answer.
#: ``silence``: of what the server says, no more than the head gets through. ``hold``: nothing does
#: until the server has said all.
Way = Literal["pass", "refuse", "cut", "silence", "hold"]

_CHUNK = 64 * 1024
_REFUSED = b"HTTP/1.1 %d Not Here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Gateway:
    """Passes requests on to a server on this machine; its methods may be called from any thread."""

    def __init__(self, network: Network, port: int) -> None:
        self._network = network
        self._target = port
        self.ways: dict[Kind, Way] = {}
        #: Requests under way.
        self.open: Counter[Kind] = Counter()
        #: Requests from the beginning on.
        self.seen: Counter[Kind] = Counter()
        #: Connections that are served; None as long as they have asked for nothing.
        self._tasks: dict[asyncio.Task[None], Kind | None] = {}
        self._server: asyncio.Server = network.do(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self, *kinds: Kind) -> None:
        """End the requests of these kinds that are under way."""
        self._network.do(self._cut(kinds))

    def close(self) -> None:
        self._network.do(self._close())

    async def _close(self) -> None:
        self._server.close()
        await asyncio.sleep(0)  # What was accepted at the last moment is served first.
        while self._tasks:
            await self._cancel(self._tasks)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accepted, "127.0.0.1", 0)

    async def _cut(self, kinds: tuple[Kind, ...]) -> None:
        await self._cancel(task for task, kind in self._tasks.items() if kind in kinds)

    async def _cancel(self, some: Iterable[asyncio.Task[None]]) -> None:
        tasks = list(some)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = None
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                head = await reader.readuntil(b"\r\n\r\n")
                kind = _kind(head)
                self._tasks[task] = kind
                self.open[kind] += 1
                self.seen[kind] += 1
                try:
                    await self._answer(self.ways.get(kind, "pass"), head, reader, writer)
                finally:
                    self.open[kind] -= 1
        finally:
            self._tasks.pop(task, None)
            writer.close()

    async def _answer(
        self, way: Way, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if way in ("refuse", "cut"):
            writer.write(_REFUSED % (502 if way == "refuse" else 504))
            await writer.drain()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        back = {"pass": _pump, "silence": _head_only, "hold": _all_at_once}[way]
        far_writer.write(_alone(head))
        tasks = [
            asyncio.ensure_future(_pump(reader, far_writer)),
            asyncio.ensure_future(back(far_reader, writer)),
        ]
        try:  # Who asks may hang up, as well as who answers.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            far_writer.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _kind(head: bytes) -> Kind:
    text = head.decode("latin-1").lower()
    path = text.split(" ", 2)[1].partition("?")[0]
    if "\r\nupgrade: websocket" in text:
        return "socket"
    if "\r\naccept: text/event-stream" in text:
        return "stream"
    if not path.endswith("/events"):
        return "other"
    return "wait" if "\r\nprefer: wait" in text else "page"


def _alone(head: bytes) -> bytes:
    """The head of a request after which the connection is not used again."""
    lines = head.split(b"\r\n")
    if b"websocket" in head.lower():
        return head
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([kept[0], b"Connection: close", *kept[1:]])


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()


async def _head_only(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    sink.write(await source.readuntil(b"\r\n\r\n"))
    await sink.drain()
    await source.read()


async def _all_at_once(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    sink.write(await source.read())
    await sink.drain()
