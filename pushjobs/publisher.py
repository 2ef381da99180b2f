"""The publisher: appends events to the log, then rings the doorbell.

Any thread may publish; one task on the process's loop does the work, in order and in batches.
What an attempt says is collapsed on its way: progress to the newest of each interval, output to one
chunk of each interval.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Protocol
from uuid import UUID

from django.core.signals import setting_changed

from pushjobs import loop
from pushjobs.announcements import Announcements
from pushjobs.conf import settings
from pushjobs.events import CLOSING, Entry, Event, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.layer import Doorbell
from pushjobs.log import Log, get_log
from pushjobs.voice import Voice

logger = logging.getLogger(__name__)

_BATCH, _BATCH_BYTES = 256, 128 * 1024
_FULL, _FULL_BYTES = 10_000, 4 * 1024 * 1024
_RETRY_MIN, _RETRY_MAX = 0.05, 5.0


class Bell(Protocol):
    """What the publisher needs of the Channels layer."""

    async def ring(self, channel: str, entries: Sequence[Entry]) -> None: ...


class Publisher:
    """Publishes events from any thread of this process, those of a job in the order given."""

    def __init__(
        self, log: Log, bell: Bell, on_published: Callable[[UUID, int], None] | None = None
    ) -> None:
        self._log = log
        self._bell = bell
        self._on_published = on_published
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self._queue: deque[tuple[Event, list[Record]]] = deque()
        self._queued_bytes = 0
        self._voices: dict[tuple[str, int], Voice] = {}
        self._working = False
        self._timer = False
        self._generation = 0  # Of the task that works: one on a loop of before stops.
        self._home: asyncio.AbstractEventLoop | None = None

    def publish(self, event: Event, channels: tuple[str, ...]) -> None:
        """Publish the announcement of a status, after all that its attempt has said."""
        with self._lock:
            key = (event.job, event.attempt)
            voice = self._voices.get(key)
            if voice is not None:
                self._let_out(voice, everything=True)
                if event.type in CLOSING:
                    del self._voices[key]
            self._enqueue(event, channels)

    def progress(self, event: Event, channels: tuple[str, ...]) -> None:
        """Publish an attempt's progress, unless a newer one comes within the interval."""
        with self._lock:
            if len(self._queue) > _FULL:
                return
            voice = self._voice(event, channels)
            voice.hold_progress(event)
            self._let_out(voice)

    def output(self, event: Event, channels: tuple[str, ...]) -> None:
        """Publish an attempt's output, joined to what the same stream says within the interval.

        Waits while too much is queued, except on an event loop.
        """
        with self._lock:
            if _in_thread():
                while len(self._queue) > _FULL or self._queued_bytes > _FULL_BYTES:
                    self._moved.wait(0.1)
            voice = self._voice(event, channels)
            voice.hold_output(event)
            self._let_out(voice)

    def silence(self, job: str, attempt: int) -> None:
        """Forget what a superseded attempt has said and not yet published."""
        with self._lock:
            self._voices.pop((job, attempt), None)

    def flush(self, timeout: float) -> bool:
        """Wait until all is published; false if ``timeout`` seconds were not enough."""
        deadline = time.monotonic() + timeout
        with self._lock:
            for voice in self._voices.values():
                self._let_out(voice, everything=True)
            self._wake()
            while self._queue or self._working:
                left = deadline - time.monotonic()
                if left <= 0 or not self._moved.wait(left):
                    return False
        return True

    def rebind(self, _: asyncio.AbstractEventLoop) -> None:
        """Go on working on another loop: the one before may be closed."""
        with self._lock:
            self._at_home()
            self._wake()

    def _voice(self, event: Event, channels: tuple[str, ...]) -> Voice:
        return self._voices.setdefault((event.job, event.attempt), Voice(channels))

    def _let_out(self, voice: Voice, *, everything: bool = False) -> None:
        """Queue what a voice holds and is due; for the rest, see to it that the timer runs."""
        now = time.monotonic()
        for event in voice.take(now, everything=everything):
            self._enqueue(event, voice.channels)
        due = voice.due()
        if due is not None:
            self._arm(due - now)

    def _enqueue(self, event: Event, channels: tuple[str, ...]) -> None:
        body = event.body()
        self._queue.append((event, [Record.of(event, name, body) for name in channels]))
        self._queued_bytes += len(body)
        self._wake()

    def _wake(self) -> None:
        home = self._at_home()
        if self._queue and not self._working:
            # Taken up there and not here, where the thread of a handler may be interrupted.
            home.call_soon_threadsafe(self._start, self._generation)

    def _at_home(self) -> asyncio.AbstractEventLoop:
        """The loop to work on. Where it is another than before, all is taken up there anew."""
        home = loop.current()
        if home is not self._home:
            self._home = home
            self._generation += 1
            self._working = False
            home.call_soon_threadsafe(self._on_timer)
            self._timer = True
        return home

    def _start(self, generation: int) -> None:
        with self._lock:
            if self._working or generation != self._generation:
                return
            self._working = True
        self._task = asyncio.get_running_loop().create_task(self._work(generation))

    def _arm(self, delay: float) -> None:
        home = self._at_home()
        if not self._timer:
            home.call_soon_threadsafe(home.call_later, max(delay, 0.01), self._on_timer)
            self._timer = True  # Last, for the same reason.

    def _on_timer(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._timer = False
            for voice in self._voices.values():
                for event in voice.take(now):
                    self._enqueue(event, voice.channels)
            dues = [due for voice in self._voices.values() if (due := voice.due()) is not None]
            if dues:
                self._arm(min(dues) - now)

    async def _work(self, generation: int) -> None:
        pause = _RETRY_MIN
        while True:
            with self._lock:
                if generation != self._generation:
                    return
                batch, full = self._next_batch()
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
            pause = _RETRY_MIN
            with self._lock:
                if generation != self._generation:
                    return  # The next one sends the batch again, and the log refuses what it has.
                for _ in batch:
                    self._queued_bytes -= len(self._queue.popleft()[1][0].body)
                self._moved.notify_all()
            if full:
                await asyncio.sleep(0)

    def _next_batch(self) -> tuple[list[tuple[Event, list[Record]]], bool]:
        """What comes next, and whether so much that readers need a step of the loop to take it."""
        batch, size = [], 0
        for event, records in islice(self._queue, _BATCH):
            batch.append((event, records))
            size += len(records[0].body)
            if size >= _BATCH_BYTES:
                return batch, True
        return batch, False

    async def _send(self, batch: list[tuple[Event, list[Record]]]) -> None:
        appended = await self._log.append([record for _, records in batch for record in records])
        rings: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in appended:
            if entry is not None:
                rings[entry.record.channel].append(entry)
        for channel, entries in rings.items():
            try:
                await self._bell.ring(channel, entries)
            except Exception as error:
                logger.warning("the channel layer took no message: %s", error)
        if self._on_published is not None:
            for event, _ in batch:
                if event.version:
                    self._on_published(UUID(event.job), event.version)


def _in_thread() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


@lru_cache(maxsize=1)
def get_publisher() -> Publisher:
    """This process's publisher."""
    note = None if settings.EAGER else Announcements().note
    publisher = Publisher(get_log(), Doorbell(), note)
    loop.on_bind(publisher.rebind)
    return publisher


def _reset(*, setting: str, **_: object) -> None:
    if setting in ("PUSHJOBS", "CHANNEL_LAYERS"):
        get_publisher.cache_clear()


setting_changed.connect(_reset)
