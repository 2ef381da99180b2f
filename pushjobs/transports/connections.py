"""The streams that are open in this process: one clock gives all of them their heartbeat."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import Protocol

_TICK = 1.0


class Connection(Protocol):
    """An open stream."""

    heartbeat: float

    def beat(self) -> None:
        """Send a sign of life."""

    def go_away(self) -> None:
        """Tell the client to come back later, and end."""


class Connections:
    """Open streams, and when each is due for a heartbeat."""

    def __init__(self) -> None:
        self._due: dict[Connection, float] = {}
        self._clock: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    def add(self, connection: Connection) -> None:
        # The first beat comes anywhere in the interval, so that a storm of connects spreads.
        self._due[connection] = time.monotonic() + connection.heartbeat * random.uniform(0.5, 1)
        running = asyncio.get_running_loop()
        if self._clock is None or self._clock.get_loop() is not running or self._clock.done():
            self._clock = running.create_task(self._run())

    def remove(self, connection: Connection) -> None:
        self._due.pop(connection, None)
        self._gone.set()

    async def drain(self, timeout: float) -> None:
        """Tell all streams to go, and wait up to ``timeout`` seconds until they are gone."""
        for connection in list(self._due):
            connection.go_away()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._due:
                    self._gone.clear()
                    await self._gone.wait()

    async def _run(self) -> None:
        while self._due:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            for connection, due in list(self._due.items()):
                if due <= now:
                    self._due[connection] = now + connection.heartbeat
                    connection.beat()


connections = Connections()
