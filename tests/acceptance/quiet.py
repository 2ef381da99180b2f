"""A crowd on all three transports that follows jobs in which nothing happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance.clients import RawStream, bearer, submit, subscribe, wait_until
from tests.processes import NO_TLS, Server

STREAMS, SOCKETS, POLLS = 150, 50, 21
_LATER = "2099-01-01T00:00:00Z"
_WAIT = {"Prefer": "wait=60", "Accept": "application/json"}


@dataclass
class Crowd:
    """Clients that are served while inside; ``left`` waits until the server has ended them all."""

    server: Server
    streams: list[RawStream] = field(default_factory=list)
    sockets: list[ClientConnection] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)
    #: Set when the first stream ends; each socket that is open then sends a ping.
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    #: How many of these pings were answered.
    pongs: int = 0
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _clients: list[asyncio.Task[None]] = field(default_factory=list)
    _served: dict[int, int] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        server = self.server
        self._job = job = submit(server, "test.echo", run_at=_LATER)
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=server.url, headers=bearer(job), timeout=60)
        )
        for _ in range(STREAMS):
            opening = RawStream.open(server, job, cursor=job["cursor"])
            self.streams.append(await self._stack.enter_async_context(opening))
            self._start(self._read(self.streams[-1]))
        for _ in range(SOCKETS):
            socket = await self._stack.enter_async_context(connect(server.socket_url))
            await subscribe(socket, job, cursor=job["cursor"])
            self.sockets.append(socket)
            self._start(self._listen(socket))
            self._start(self._ping(socket))
        await self._start_polls()
        await asyncio.to_thread(wait_until, self._all_served, "all to be served")
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            client.cancel()
        await self._stack.aclose()

    async def left(self) -> None:
        """Raises what any client has raised."""
        await asyncio.gather(*self._clients)

    def check(self) -> None:
        """Each was told to come back, as its transport says it, and none was shown an error."""
        assert [stream.complete for stream in self.streams] == [True] * STREAMS
        assert [stream.retries for stream in self.streams] == [2] * STREAMS
        assert [socket.close_code for socket in self.sockets] == [3001] * SOCKETS
        assert {answer.status_code for answer in self.answers} == {200, 202, 304}
        assert [answer.headers["connection"] for answer in self.answers] == ["close"] * POLLS

    def _start(self, client: Coroutine[Any, Any, None]) -> None:
        self._clients.append(asyncio.get_running_loop().create_task(client))

    async def _read(self, stream: RawStream) -> None:
        assert await stream.head() == 200
        await stream.read()
        self.ending.set()

    async def _listen(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                self.pongs += json.loads(text)["type"] == "pong"

    async def _ping(self, socket: ClientConnection) -> None:
        await self.ending.wait()
        with suppress(ConnectionClosed):
            await socket.send('{"type": "ping"}')

    async def _start_polls(self) -> None:
        """They wait for a page of events, for another status, and for the response."""
        links = self._job["links"]
        document = await self._http.get(links["self"])
        page = await self._http.get(links["events"], headers={"Accept": "application/json"})
        etag = {"If-None-Match": document.headers["etag"]}
        for _ in range(POLLS // 3):
            self._start(self._poll(f"{links['events']}?cursor={page.json()['cursor']}", {}))
            self._start(self._poll(links["self"], etag))
            self._start(self._poll(links["response"], {}))

    async def _poll(self, url: str, headers: dict[str, str]) -> None:
        self.answers.append(await self._http.get(url, headers=_WAIT | headers))

    def _all_served(self) -> bool:
        """Each of the server's processes tells of its own clients only."""
        state = httpx.get(f"{self.server.url}/test-state", verify=NO_TLS).json()
        self._served[state["process"]] = state["connections"]
        return sum(self._served.values()) == STREAMS + SOCKETS + POLLS
