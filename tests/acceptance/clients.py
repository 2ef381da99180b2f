"""What the acceptance tests share: clients that can be many, slow or rude, and a look at /proc."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection

from project.demo.followers import Client
from project.demo.service import Service
from tests.processes import NO_TLS, Server

TRANSPORTS = ("WebSocket", "SSE", "polling")
TERMINAL = ("job.succeeded", "job.failed", "job.cancelled")
PATIENCE = 40.0


def submit(server: Server, job: str, /, **args: Any) -> dict[str, Any]:
    """The document of an accepted job."""
    body = {"name": job, "args": args, "run_at": args.pop("run_at", None)}
    answer = _http().post(f"{server.url}/jobs", json=body)
    assert answer.status_code == 202, answer.text
    document: dict[str, Any] = answer.json()
    return document


@lru_cache(maxsize=1)
def _http() -> httpx.Client:
    # No connection is kept: the server at its other end may be killed.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=30, limits=limits, verify=NO_TLS)


def get(server: Server, link: str, job: dict[str, Any], **params: str) -> httpx.Response:
    headers = bearer(job) | {"Accept": "application/json"}
    return _http().get(server.url + link, headers=headers, params=params)


def cancel(server: Server, job: dict[str, Any]) -> httpx.Response:
    return _http().post(server.url + job["links"]["cancel"], headers=bearer(job))


def bearer(job: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {job['token']}"}


def read(server: Server, job: dict[str, Any]) -> dict[str, Any]:
    """The job's document now."""
    answer = get(server, job["links"]["self"], job)
    assert answer.status_code in (200, 202), answer.text
    document: dict[str, Any] = answer.json()
    return document


def wait_for_status(server: Server, job: dict[str, Any], *statuses: str) -> dict[str, Any]:
    """The job's document, once its status is one of these."""
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(read(server, job))
        return found["status"] in statuses

    wait_until(there, f"a job that is {' or '.join(statuses)}")
    return found


def wait_until(true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


async def subscribe(socket: ClientConnection, job: dict[str, Any], **members: str) -> None:
    """Subscribe to a job, and wait until that has been done."""
    channel = f"job:{job['id']}"
    frame = {"type": "subscribe", "channel": channel, "token": job["token"], **members}
    await socket.send(json.dumps(frame))
    while json.loads(await socket.recv())["type"] != "subscribed":
        pass


@asynccontextmanager
async def follower(server: Server) -> AsyncGenerator[Client, None]:
    """Follows jobs with public clients, over any of the three transports."""
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE, verify=NO_TLS) as http:
        yield Client(Service(server.port), http)


@dataclass
class RawStream:
    """An SSE stream on a bare connection, so that thousands cost little and none reads ahead."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    #: (cursor, type, the event's JSON as text), in the order in which they came.
    events: list[tuple[str, str, str]] = field(default_factory=list)
    #: Whether the response's body came to its proper end.
    complete: bool = False
    retries: int = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls, server: Server, job: dict[str, Any], *, cursor: str, buffer: int | None = None
    ) -> AsyncGenerator[RawStream, None]:
        raw = socket.socket()
        if buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=buffer or 2**16)
        request = (
            f"GET {job['links']['events']} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            f"Authorization: Bearer {job['token']}\r\nLast-Event-ID: {cursor}\r\n\r\n"
        )
        try:
            writer.write(request.encode())
            await writer.drain()
            yield cls(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def head(self) -> int:
        """Read the head of the response; returns its status."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1])

    async def read(self, until: Callable[[RawStream], bool] = lambda _: False) -> None:
        """Read blocks to the stream's end, or until it is so."""
        rest = b""
        while not until(self):
            try:
                size = int(await self.reader.readuntil(b"\r\n"), 16)
                chunk = await self.reader.readexactly(size + 2)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if not size:
                self.complete = True
                return
            *blocks, rest = (rest + chunk[:-2]).split(b"\n\n")
            for block in blocks:
                self._take(block.decode())

    def _take(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in fields:
            self.events.append((fields["id"], fields["event"], fields["data"]))
        self.retries += "retry" in fields

    def reset(self) -> None:
        """Break off with a reset, as a network does that has gone away."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()


def text_of(events: list[tuple[str, str, str]]) -> str:
    """All output among events, joined."""
    outputs = (json.loads(data) for _, kind, data in events if kind == "job.output")
    return "".join(event["data"]["chunk"] for event in outputs)


def memory(server: Server) -> int:
    """The resident memory of the server's process, in bytes."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def sockets(server: Server) -> int:
    """How many sockets the server's process has open; files come and go with its threads."""
    assert server.process is not None
    found = 0
    for link in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(OSError):
            found += str(link.readlink()).startswith("socket:")
    return found
