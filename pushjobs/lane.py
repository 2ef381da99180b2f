"""A lane: the way of a publisher's records to one shard of the log, and then to the doorbell.

A shard that is out of reach holds up its own lane and no other.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from pushjobs.events import Entry, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.log import Log

logger = logging.getLogger(__name__)

_BATCH, _BATCH_BYTES = 256, 128 * 1024
_FULL, _FULL_BYTES = 10_000, 4 * 1024 * 1024
_RETRY_MIN, _RETRY_MAX = 0.05, 5.0


class Bell(Protocol):
    """What the publisher needs of the Channels layer."""

    async def ring(self, channel: str, entries: Sequence[Entry]) -> None: ...


class Parcel:
    """The records that one event makes in one shard.

    ``done`` is called on the loop: with True once the shard has them, with False where it never
    will.
    """

    __slots__ = ("done", "records")

    def __init__(self, records: list[Record], done: Callable[[bool], None]) -> None:
        self.records = records
        self.done = done

    @property
    def size(self) -> int:
        """Bytes in memory: the records share a body."""
        return len(self.records[0].body)


class Lane:
    """Parcels in order. Its methods are called with the lock of ``moved`` held.

    ``moved`` is notified whenever there is room again, or nothing more to do.
    """

    def __init__(self, log: Log, bell: Bell, moved: threading.Condition) -> None:
        self._log = log
        self._bell = bell
        self._moved = moved
        self._queue: deque[Parcel] = deque()
        self._bytes = 0
        self._working = False
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
        if self._queue and not self._working:
            # Taken up there and not here, where the thread of a handler may be interrupted.
            home.call_soon_threadsafe(self._start, self._generation)

    def restart(self) -> None:
        """Take up everything anew: the loop that it works on may be closed."""
        self._generation += 1
        self._working = False

    def _start(self, generation: int) -> None:
        with self._moved:
            if self._working or generation != self._generation:
                return
            self._working = True
        self._task = asyncio.get_running_loop().create_task(self._work(generation))

    async def _work(self, generation: int) -> None:
        pause, limit = _RETRY_MIN, _BATCH
        while True:
            with self._moved:
                if generation != self._generation:
                    return
                batch, full = self._next_batch(limit)
                if not batch:
                    self._working = False
                    self._moved.notify_all()
                    return
            try:
                await self._send(batch)
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
                batch[0].done(False)
            pause, limit = _RETRY_MIN, min(2 * limit, _BATCH)
            with self._moved:
                if generation != self._generation:
                    return  # The next one sends the batch again, and the log refuses what it has.
                for _ in batch:
                    self._bytes -= self._queue.popleft().size
                self._moved.notify_all()
            if full:
                await asyncio.sleep(0)

    def _next_batch(self, limit: int) -> tuple[list[Parcel], bool]:
        """What comes next, and whether so much that readers need a step of the loop to take it."""
        batch, size = [], 0
        for parcel in islice(self._queue, limit):
            batch.append(parcel)
            size += parcel.size
            if size >= _BATCH_BYTES:
                return batch, True
        return batch, False

    async def _send(self, batch: list[Parcel]) -> None:
        appended = await self._log.append([record for parcel in batch for record in parcel.records])
        rings: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in appended:
            if entry is not None:
                rings[entry.record.channel].append(entry)
        for channel, entries in rings.items():
            try:
                await self._bell.ring(channel, entries)
            except Exception as error:
                logger.warning("the channel layer took no message: %s", error)
        for parcel in batch:
            parcel.done(True)
