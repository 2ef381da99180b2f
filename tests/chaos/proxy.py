"""A TCP proxy that cuts, delays, throttles and half-opens the connections that pass through it."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

#: A host and a port, or the path of a Unix socket.
Address = tuple[str, int] | str

_CHUNK = 64 * 1024
_TRICKLE = 256
#: A close that sends a reset: what a peer hears of a machine that has lost its memory.
_RESET = struct.pack("ii", 1, 0)


class Network:
    """The thread and event loop on which all proxies of a cluster work."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="chaos-network")
        self._thread.start()

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine there, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Link:
    """One connection through a proxy: its two ends."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.ends = (near, far)
        self.stranded = False
        self.gone = asyncio.Event()

    def reset(self) -> None:
        for end in self.ends:
            raw = end.get_extra_info("socket")
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()
        self.gone.set()


class Proxy:
    """Passes connections on to ``target``; its methods may be called from any thread."""

    def __init__(self, network: Network, target: Address, *, rate: float | None = None) -> None:
        self._network = network
        self._target = target
        #: Bytes per second and direction of each connection; None is as fast as it goes.
        self.rate = rate
        #: Seconds by which each chunk is late.
        self.delay = 0.0
        self.links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.accept()

    def accept(self) -> None:
        """Take connections, as from the beginning."""
        self._network.do(self._accept())

    def refuse(self) -> None:
        """Reset all connections and take no others."""
        self._network.do(self._refuse())

    def cut(self) -> int:
        """Reset all connections; returns how many there were."""
        return int(self._network.do(self._cut()))

    def strand(self) -> int:
        """Half-open all connections: no byte passes any more, and neither end hears of it."""
        return int(self._network.do(self._strand()))

    def close(self) -> None:
        self._network.do(self._close())

    async def _accept(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._pass_on, "127.0.0.1", self.port, limit=self._limit, backlog=4096
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut()

    async def _cut(self) -> int:
        links = list(self.links)
        for link in links:
            link.reset()
        return len(links)

    async def _strand(self) -> int:
        links = [link for link in self.links if not link.stranded]
        for link in links:
            link.stranded = True
        return len(links)

    async def _close(self) -> None:
        await self._refuse()
        await asyncio.sleep(0)  # What was accepted at the last moment is served first.
        while self._tasks:
            await self._cut()
            await asyncio.wait(self._tasks, timeout=0.1)

    @property
    def _limit(self) -> int:
        """How far a stream reads ahead of its other end."""
        return _CHUNK if self.rate is None else _TRICKLE

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            Link(writer, writer).reset()
            return
        link = Link(writer, far_writer)
        self.links.add(link)
        try:
            await asyncio.gather(
                self._pump(link, reader, far_writer), self._pump(link, far_reader, writer)
            )
        finally:
            self.links.discard(link)
            link.gone.set()
            for end in link.ends:
                end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target, limit=self._limit)
        raw = socket.socket()
        raw.setblocking(False)
        if self.rate is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            await self._network.loop.sock_connect(raw, self._target)
        except OSError:
            raw.close()
            raise
        return await asyncio.open_connection(sock=raw, limit=self._limit)

    async def _pump(
        self, link: Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await source.read(self._limit):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.rate is not None:
                    await asyncio.sleep(len(data) / self.rate)
                if link.stranded:
                    await link.gone.wait()
                    return
                sink.write(data)
                await sink.drain()
            if not link.stranded:
                sink.write_eof()
        except OSError:
            link.reset()
