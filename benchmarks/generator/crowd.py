"""The crowd: all clients of one server, and what they have got together."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypedDict

from benchmarks.generator.client import Client, SocketClient, StreamClient, request
from benchmarks.generator.loss import Lost

#: One client in so many reads the numbers of its events; all do where time is taken.
_SAMPLE = 20
_STEP = 100  # connections that open at a time
_PATIENCE = 8.0  # seconds without anything, after which what is missing counts as lost
_OPENING = 90.0
#: While more than a quarter of the events, and so many, are still to come, the crowd sleeps between
#: reads: one that is woken for each write takes twice the processor time. The last ones never wait.
_NAP, _LAST = 0.0002, 256  # seconds, events
#: What a stream of the product begins with when it is resumed: there need be no event.
_RESUMED = b"retry:"


class Follow(TypedDict):
    """What one client sends to follow its channel."""

    path: str
    headers: dict[str, str]
    say: list[str]


class Crowd:
    """Clients of one server over one transport; client n follows channel n, and so on in turn."""

    def __init__(self, port: int, transport: str, ready: str, follows: Sequence[Follow]) -> None:
        self.timing = False
        self.clients: list[Client] = []
        self.troubles: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.slowest: dict[int, float] = {}
        self.moved = time.monotonic()
        self._port = port
        self._transport = transport
        self._ready = ready.encode()
        self._follows = follows
        self._cursors: list[str | None] = []
        self._count = 0
        self._target = 0
        self._opened = 0
        self._naps_below = 0  # of the count
        self._napping = False
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self.clients)

    async def grow(self, size: int, step: int = _STEP) -> float:
        """Have so many clients that follow their channels; the seconds that it took.

        At most ``step`` of them are opening at a time. Raises ``Lost``.
        """
        started, first = time.monotonic(), len(self.clients)
        places = list(range(first, size))
        self._opened, opening = first, first
        deadline = time.monotonic() + _OPENING
        while self._opened < size:
            batch = places[opening - first : opening - first + step - (opening - self._opened)]
            opening += len(batch)
            self._waiter = asyncio.get_running_loop().create_future()
            self._target = 0
            await asyncio.gather(*map(self._connect, batch))
            if self._opened < opening and not self._waiter.done():
                await asyncio.wait([self._waiter], timeout=0.5)
            self.require_peace()
            if time.monotonic() > deadline:
                raise Lost(f"{self._opened} of {size} clients were served in {_OPENING:.0f} s")
        self._waiter = None
        self.reset()
        return time.monotonic() - started

    def reset(self) -> None:
        """Count from nothing; each client takes the next event, whatever its number."""
        self._count = self._target = self._naps_below = 0
        for client in self.clients:
            client.received, client.last = 0, None

    def shrink(self, *, resume: bool = False) -> None:
        """Hang up, all at once; with ``resume`` those that come back say where they stood."""
        cursors = [client.cursor for client in self.clients]
        self._cursors += [None] * (len(cursors) - len(self._cursors))
        kept = [new or old for new, old in zip(cursors, self._cursors, strict=False)]
        self._cursors = kept if resume else []
        if resume:
            self._ready = _RESUMED
        for client in self.clients:
            client.close()
        self.clients.clear()

    def expect(self, events: int) -> asyncio.Future[None]:
        """So many more events are published for each client; done when all have come."""
        expected = events * len(self.clients)
        self._target += expected
        if not self.timing:
            self._naps_below = self._target - max(_LAST, expected // 4)
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        return waiter

    async def all_of(self, waiter: asyncio.Future[None]) -> None:
        """Wait until all that is expected came; raises ``Lost`` when nothing comes any more."""
        while not waiter.done():
            await asyncio.wait([waiter], timeout=0.5)
            self.require_peace()
            if not waiter.done() and time.monotonic() - self.moved > _PATIENCE:
                lost, expected = self._target - self._count, self._target
                raise Lost(f"{lost} of {expected} deliveries were lost")

    def verify(self) -> None:
        """Raises ``Lost`` unless each client got as much as every other, and in order."""
        self.require_peace()
        counts = Counter(client.received for client in self.clients)
        if len(counts) > 1 or self._count != self._target:
            raise Lost(f"clients got different numbers of events: {dict(counts)}")

    def require_peace(self) -> None:
        """Raises ``Lost`` if a connection ended, or carried something else."""
        if self.troubles:
            most = ", ".join(f"{what} ({n}×)" for what, n in self.troubles.most_common(3))
            raise Lost(most)

    def ready(self) -> None:
        self._opened += 1
        if self._waiter is not None and not self._waiter.done() and not self._target:
            self._waiter.set_result(None)

    def got(self, count: int) -> None:
        self._count += count
        if self._count >= self._target and self._waiter is not None and not self._waiter.done():
            self.moved = time.monotonic()
            self._waiter.set_result(None)
            return
        if not self._count & 63:
            self.moved = time.monotonic()
        if self._count < self._naps_below and not self._napping:
            self._napping = True
            asyncio.get_running_loop().call_soon(self._nap)  # Once all is read that is there.

    def _nap(self) -> None:
        self._napping = False
        time.sleep(_NAP)

    def took(self, number: int, seconds: float) -> None:
        self.latencies.append(seconds)
        self.slowest[number] = max(seconds, self.slowest.get(number, 0.0))

    def failed(self, reason: str) -> None:
        self.troubles[reason] += 1

    async def _connect(self, place: int) -> None:
        follow = self._follows[place % len(self._follows)]
        host = f"127.0.0.1:{self._port}"
        headers = follow["headers"]
        if place < len(self._cursors) and (cursor := self._cursors[place]) is not None:
            headers = {**headers, "Last-Event-ID": cursor}
        opening = request(self._transport, host, follow["path"], headers)
        checks = place % _SAMPLE == 0
        client: Any = (
            SocketClient(opening, self._ready, checks, self, follow["say"])
            if self._transport == "websocket"
            else StreamClient(opening, self._ready, checks, self)
        )
        self.clients.append(client)
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: client, "127.0.0.1", self._port)
        except OSError as error:
            self.failed(f"no connection: {error}")
