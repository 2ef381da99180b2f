"""The streams that are open in this process: one clock for their heartbeats and their ends."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from pushjobs.conf import settings
from pushjobs.hub import get_hub
from pushjobs.logins import Login
from pushjobs.transports.revocation import Revocation

_TICK = 1.0
#: A drain tells at least so many streams a second to go, where its window would take longer.
_MIN_RATE = 100


class Connection(Protocol):
    """An open stream, or a request that waits. ``heartbeat`` is in seconds."""

    heartbeat: float

    def beat(self) -> None:
        """Send a sign of life."""

    def go_away(self) -> None:
        """Tell the client to come back later, and end."""

    def expire(self) -> None:
        """End: the client's token has expired. It may have ended before."""


@dataclass(slots=True)
class _Times:
    """When a connection's next heartbeat is due, when it is to go, and when its token expires.

    In seconds, monotonic. Without a token, ``login`` is what it rests on.
    """

    beat: float
    end: float
    expires: float
    login: Login | None


class Connections:
    """Open streams: who is due for a heartbeat, and who has been open for long enough.

    A stream ends after ``MAX_CONNECTION_AGE``, so that load spreads again after a deploy.
    """

    def __init__(self) -> None:
        #: Whether the process is about to stop: a stream that is opened ends at once.
        self.draining = False
        self._open: dict[Connection, _Times] = {}
        self._clock: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._revocation = Revocation(self)

    def __len__(self) -> int:
        return len(self._open)

    def add(
        self, connection: Connection, expires: float | None = None, login: Login | None = None
    ) -> None:
        """Count a connection; while draining it is told to go at once.

        ``expires`` is when it ends anyway, in seconds since the epoch; and with ``login`` it ends.
        """
        now = time.monotonic()
        # Both come anywhere in an interval, so that a storm of connects spreads.
        self._open[connection] = times = _Times(
            beat=now + connection.heartbeat * random.uniform(0.5, 1),
            end=now + settings.MAX_CONNECTION_AGE * random.uniform(0.75, 1),
            expires=math.inf if expires is None else now + expires - time.time(),
            login=login,
        )
        if login is not None:
            get_hub().on_logout = self.expect_logout
        self._watch_token(connection, times, now)
        if self.draining:  # Not refused, which would stop an EventSource for good.
            connection.go_away()
        running = asyncio.get_running_loop()
        if self._clock is None or self._clock.get_loop() is not running or self._clock.done():
            self._clock = running.create_task(self._run())

    def remove(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        self._gone.set()

    def logins(self) -> Iterator[Login]:
        """What each connection without a token rests on."""
        return (times.login for times in self._open.values() if times.login is not None)

    def expect_logout(self, session: str) -> None:
        """A user is logging out, of a session of which this is the key's digest."""
        self._revocation.expect(session, time.monotonic())

    def send_away(self, ended: Container[Login]) -> None:
        """Tell those to go that rest on one of these logins."""
        for connection, times in list(self._open.items()):
            if times.login is not None and times.login in ended:
                connection.go_away()

    async def drain(self, window: float, timeout: float) -> None:
        """Tell all to go, spread over a window, and wait until they are gone.

        ``window`` is at most how long the telling takes, ``timeout`` the wait after it; seconds.
        """
        self.draining = True
        self._gone = asyncio.Event()
        waiting = list(self._open)
        random.shuffle(waiting)
        pause = min(window / max(len(waiting), 1), 1 / _MIN_RATE)
        start = time.monotonic()
        for number, connection in enumerate(waiting):
            # A loop's timers are too coarse to sleep for each of very many.
            if (early := start + number * pause - time.monotonic()) > 0:
                await asyncio.sleep(early)
            if connection in self._open:
                connection.go_away()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._open:
                    self._gone.clear()
                    await self._gone.wait()

    async def _run(self) -> None:
        while self._open:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            for connection, times in list(self._open.items()):
                if times.end <= now:
                    times.end = math.inf
                    connection.go_away()
                elif times.beat <= now:
                    times.beat = now + connection.heartbeat
                    connection.beat()
                self._watch_token(connection, times, now)
            self._revocation.tick(now)

    def _watch_token(self, connection: Connection, times: _Times, now: float) -> None:
        """Expire it to the moment, by a timer that it need not have before its last ticks."""
        left = times.expires - now
        if left <= 2 * _TICK:
            times.expires = math.inf
            asyncio.get_running_loop().call_later(left, connection.expire)


connections = Connections()
