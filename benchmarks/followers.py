"""Clients of a job, as a browser or a script would be: each notes when it learned what.

All take the time of this machine's clock, as the jobs do.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from websockets.asyncio.client import connect

from benchmarks.closedloop import request
from benchmarks.process import Failed
from project.stack.ports import LOOPBACK

Document = dict[str, Any]
_WAIT = "Prefer: wait=30"


@dataclass(slots=True)
class Learned:
    """What one client learned: seconds from each progress, and from the end, until it knew."""

    progress: list[float] = field(default_factory=list)
    done: float = 0
    end: float | None = None

    def event(self, event: Document) -> bool:
        """Note an event of the product; true once it says that the job has ended well.

        Progress may be left out for newer one, but it only grows: raises ``Failed`` otherwise.
        """
        now = time.time()
        if event["type"] == "job.progress":
            before, self.done = self.done, event["data"]["done"]
            if self.done <= before:
                raise Failed(f"progress {self.done} came after progress {before}")
            self.progress.append(now - float(event["data"]["message"]))
        elif event["type"] == "job.succeeded":
            self.end = now - event["data"]["result"]["ended"]
            return True
        return False


class Follower(Protocol):
    """Follows one job until it has ended; calls ``ready`` once it will hear of what happens."""

    async def __call__(self, port: int, ready: Callable[[], None]) -> Learned: ...


@dataclass(frozen=True, slots=True)
class StreamFollower:
    """Server-Sent Events."""

    job: str
    token: str

    async def __call__(self, port: int, ready: Callable[[], None]) -> Learned:
        learned = Learned()
        path = f"/jobs/{self.job}/events?token={self.token}"
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(request("GET", path))
            async for line in reader:
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    if event["type"] == "job.snapshot":
                        ready()
                    elif learned.event(event):
                        return learned
            raise Failed("a stream ended before its job")
        finally:
            writer.close()


@dataclass(frozen=True, slots=True)
class SocketFollower:
    """WebSocket."""

    job: str
    token: str

    async def __call__(self, port: int, ready: Callable[[], None]) -> Learned:
        learned = Learned()
        async with connect(f"ws://{LOOPBACK}:{port}/jobs/socket", proxy=None) as socket:
            channel = {"channel": f"job:{self.job}", "token": self.token}
            await socket.send(json.dumps({"type": "subscribe", **channel}))
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "subscribed":
                    ready()
                elif frame["type"] == "error":
                    raise Failed(f"a subscription was refused: {frame}")
                elif frame["type"] == "event" and learned.event(frame["event"]):
                    return learned
        raise Failed("a socket was closed before its job ended")


@dataclass(frozen=True, slots=True)
class Poller:
    """Asks again ``interval`` seconds after each answer.

    Without an interval it asks again at once, and has the server wait for a change.
    ``ended`` tells from an answer's body when the job ended; None while it has not.
    """

    path: str
    ended: Callable[[Document], float | None]
    interval: float = 0.0
    headers: tuple[str, ...] = ()

    async def __call__(self, port: int, ready: Callable[[], None]) -> Learned:
        learned = Learned()
        headers = list(self.headers)
        await asyncio.sleep(random.uniform(0, self.interval))  # They did not all come at once.
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            while True:
                writer.write(request("GET", self.path, headers=headers))
                status, fields, body = await _answer(reader)
                if status >= 400:
                    raise Failed(f"a poll was answered with {status}: {body!r}")
                moment = self.ended(json.loads(body)) if body else None
                if moment is not None:
                    learned.end = time.time() - moment
                    return learned
                ready()
                if self.interval:
                    await asyncio.sleep(self.interval)
                elif "etag" in fields:
                    headers = [*self.headers, _WAIT, f"If-None-Match: {fields['etag']}"]
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    fields = {name.lower(): value.strip() for name, _, value in pairs}
    status = int(head[0].split()[1])
    length = 0 if status == 304 else int(fields["content-length"])
    return status, fields, await reader.readexactly(length)
