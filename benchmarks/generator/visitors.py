"""Visitors, as a soak needs them: ``visitors PORT COUNT SECONDS``.

Each submits a job over HTTP and follows it over SSE or WebSocket. Most stay until its end, some
hang up before, and some do not read what a talkative job sends them. Prints a tally as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import httpx
import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

_END = "job.succeeded"
_TIMEOUT = 60.0
_STEPS = {"name": "bench.steps", "args": {"count": 20, "pause": 0.05}}
#: More than the buffers of a connection and the backlog of a client take together.
_CHATTER = {"name": "bench.chatter", "args": {"count": 800, "size": 16_000}}


class Visitors:
    """So many visitors at a time, one after another until the time is over."""

    def __init__(self, port: int, until: float) -> None:
        self._host = f"127.0.0.1:{port}"
        self._until = until
        self._api = httpx.AsyncClient(base_url=f"http://{self._host}", timeout=_TIMEOUT)
        self.tally: Counter[str] = Counter()

    async def visit(self) -> None:
        """Come again and again."""
        while time.monotonic() < self._until:
            try:
                async with asyncio.timeout(_TIMEOUT):
                    self.tally[await self._once()] += 1
            except Exception as error:
                self.tally[f"failed: {type(error).__name__}: {error}"] += 1

    async def close(self) -> None:
        await self._api.aclose()

    async def _once(self) -> str:
        luck = random.random()
        slow = luck < 0.05
        answer = await self._api.post("/jobs", json=_CHATTER if slow else _STEPS)
        answer.raise_for_status()
        job: dict[str, Any] = answer.json()
        if slow:
            return await self._idle(job)
        events = self._stream(job) if random.random() < 0.5 else self._socket(job)
        leaves = luck < 0.3
        async for text in events:
            if _END in text:
                return "stayed to the end"
            if leaves and random.random() < 0.1:
                await events.aclose()
                return "left early"
        return "failed: the stream ended before the job"

    async def _idle(self, job: dict[str, Any]) -> str:
        """Open a stream and read nothing of it, until the server has had enough."""
        reader, writer = await self._open(job)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(random.uniform(2, 6))
        writer.transport.abort()
        with suppress(OSError):
            await reader.read()
        return "did not read"

    async def _stream(self, job: dict[str, Any]) -> AsyncGenerator[str, None]:
        reader, writer = await self._open(job)
        try:
            while line := await reader.readline():
                if line.startswith(b"event:"):
                    yield line.decode()
        finally:
            writer.transport.abort()

    async def _open(self, job: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._host.split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        path = f"{job['links']['events']}?token={job['token']}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        return reader, writer

    async def _socket(self, job: dict[str, Any]) -> AsyncGenerator[str, None]:
        frame = {"type": "subscribe", "channel": f"job:{job['id']}", "token": job["token"]}
        async with connect(f"ws://{self._host}/jobs/socket", compression=None) as socket:
            await socket.send(json.dumps(frame))
            with suppress(ConnectionClosed):
                async for message in socket:
                    yield str(message)


async def main(port: int, count: int, seconds: float) -> None:
    visitors = Visitors(port, time.monotonic() + seconds)
    await asyncio.gather(*(visitors.visit() for _ in range(count)))
    await visitors.close()
    print(json.dumps(visitors.tally))  # noqa: T201


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
