"""A lane: the way of a publisher's records to one shard of the log, and then to the doorbell.

A shard that is out of reach holds up its own lane and no other.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Protocol

from pushjobs.events import Entry, Event, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.log import Log

logger = logging.getLogger(__name__)

_BATCH, _BATCH_BYTES = 512, 128 * 1024
_FULL, _FULL_BYTES = 10_000, 4 * 1024 * 1024
_RETRY_MIN, _RETRY_MAX = 0.05, 5.0
#: A lane whose parcels come one upon the other, and so few at a time, lets them gather for so many
#: times as long as the last round trip took, and so many seconds at most: each costs as much as
#: dozens of parcels, and takes the interpreter from the threads of handlers.
_LITTLE, _RESTS, _REST = 64, 8, 0.01


class Bell(Protocol):
    """What the publisher needs of the Channels layer."""

    async def ring(self, rings: Mapping[str, Sequence[Entry]]) -> None: ...


class Posting:
    """An event on its way to the shards of its channels; ``missing`` is how many have it not yet.

    ``told`` is false once one of them never will.
    """

    __slots__ = ("event", "missing", "told")

    def __init__(self, event: Event, missing: int) -> None:
        self.event = event
        self.missing = missing
        self.told = True


class Parcel:
    """The records that one event makes in one shard. Its ``size`` is in bytes of memory."""

    __slots__ = ("arrived", "posting", "records", "size")

    def __init__(self, records: list[Record], posting: Posting) -> None:
        self.records = records
        self.posting = posting
        self.size = len(records[0].body)  # The records share a body.
        self.arrived = False


class Route:
    """The lanes of some channels, each with those of the channels that its shard keeps."""

    __slots__ = ("shares",)

    def __init__(self, shares: Mapping[Lane, Sequence[str]]) -> None:
        self.shares = tuple(shares.items())

    @property
    def full(self) -> bool:
        """Whether what can wait should."""
        return any(lane.full for lane, _ in self.shares)

    @property
    def heavy(self) -> bool:
        """Whether what waits on it takes much memory."""
        for lane, _ in self.shares:  # noqa: SIM110 - A generator would cost each event more.
            if lane.heavy:
                return True
        return False


class Lane:
    """Parcels in order. Its methods are called with the lock of ``moved`` held.

    ``moved`` is notified whenever there is room again, or nothing more to do. ``done`` is called on
    the loop, without the lock: with parcels that the shard has, or with one that it never will.
    A parcel may come twice, where the loop has changed.
    """

    def __init__(
        self,
        log: Log,
        bell: Bell,
        moved: threading.Condition,
        done: Callable[[Sequence[Parcel], bool], None],
    ) -> None:
        self._log = log
        self._bell = bell
        self._moved = moved
        self._done = done
        self._queue: deque[Parcel] = deque()
        self._bytes = 0
        self._working = False
        self._called = False
        self._generation = 0  # Of the task that works: one on a loop of before stops.
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Whether what can wait should."""
        return len(self._queue) > _FULL

    @property
    def heavy(self) -> bool:
        """Whether it takes much memory."""
        return self.full or self._bytes > _FULL_BYTES

    @property
    def idle(self) -> bool:
        return not self._queue and not self._working

    def put(self, parcel: Parcel) -> None:
        self._queue.append(parcel)
        self._bytes += parcel.size

    def wake(self, home: asyncio.AbstractEventLoop) -> None:
        """Work on the loop ``home``, if there is anything to do."""
        if self._queue and not self._working and not self._called:
            # Taken up there and not here, where the thread of a handler may be interrupted.
            home.call_soon_threadsafe(self._start, self._generation)
            self._called = True  # Last, for the same reason: to call twice does no harm.

    def restart(self) -> None:
        """Take up everything anew: the loop that it works on may be closed."""
        self._generation += 1
        self._working = self._called = False

    def _start(self, generation: int) -> None:
        with self._moved:
            if self._working or generation != self._generation:
                return
            self._working, self._called = True, False
        self._task = asyncio.get_running_loop().create_task(self._work(generation))

    async def _work(self, generation: int) -> None:
        pause, limit = _RETRY_MIN, _BATCH
        ringing: asyncio.Task[None] | None = None
        sent = 0
        while (found := self._next_batch(generation, limit, over=ringing is None)) is not None:
            batch, full = found
            if not batch and ringing is not None:
                await ringing
                ringing = None
                continue
            began = time.monotonic()
            try:
                rings = await self._append(batch)
            except LogUnavailable:
                logger.warning("the log is out of reach; %d events wait", len(self._queue))
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(pause * 2, _RETRY_MAX)
                continue
            except Exception:
                logger.exception("events could not be published")
                if len(batch) > 1:
                    limit = 1  # Each by itself, so that the one at fault costs no other.
                    continue
                self._done(batch, False)
            else:
                if ringing is not None:
                    await ringing  # One after the other, while the log takes what comes next.
                ringing = asyncio.get_running_loop().create_task(self._ring(rings))
                await asyncio.sleep(0)
                self._done(batch, True)
            pause, limit = _RETRY_MIN, min(2 * limit, _BATCH)
            self._drop(generation, batch)
            sent += 1
            if full:
                await asyncio.sleep(0)
            elif sent > 1 and 0 < len(self._queue) < _LITTLE:
                took = time.monotonic() - began
                await asyncio.sleep(min(_RESTS * took, _REST))

    def _next_batch(
        self, generation: int, limit: int, *, over: bool
    ) -> tuple[list[Parcel], bool] | None:
        """What comes next, and whether so much that readers need a step of the loop to take it.

        None where the work is taken up by another task, or is done: nothing waits, and all is
        ``over``.
        """
        with self._moved:
            if generation != self._generation:
                return None
            batch, size = [], 0
            for parcel in islice(self._queue, limit):
                batch.append(parcel)
                size += parcel.size
                if size >= _BATCH_BYTES:
                    return batch, True
            if not batch and over:
                self._working = False
                self._moved.notify_all()
                return None
            return batch, False

    def _drop(self, generation: int, batch: list[Parcel]) -> None:
        """Take from the queue what was sent.

        A newer task than this one sends it again, and the log refuses what it has.
        """
        with self._moved:
            if generation == self._generation:
                for _ in batch:
                    self._bytes -= self._queue.popleft().size
                self._moved.notify_all()

    async def _append(self, batch: list[Parcel]) -> Mapping[str, Sequence[Entry]]:
        """What is to ring: the entries that the log has taken, by channel."""
        appended = await self._log.append([record for parcel in batch for record in parcel.records])
        rings: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in appended:
            if entry is not None:
                rings[entry.record.channel].append(entry)
        return rings

    async def _ring(self, rings: Mapping[str, Sequence[Entry]]) -> None:
        try:
            await self._bell.ring(rings)
        except Exception as error:
            logger.warning("the channel layer took no message: %s", error)
