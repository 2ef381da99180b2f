"""The publisher: appends events to the log, then rings the doorbell.

Any thread may publish; tasks on the process's loop do the work, in order and in batches.
What an attempt says is collapsed on its way: progress to the newest of each interval, output to one
chunk of each interval.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from uuid import UUID

from django.core.signals import setting_changed

from pushjobs import loop
from pushjobs.announcements import get_announcements
from pushjobs.conf import settings
from pushjobs.events import CLOSING, Event, EventType, Record
from pushjobs.gauge import Gauge
from pushjobs.lane import Bell, Lane, Parcel, Posting, Route
from pushjobs.layer import Doorbell
from pushjobs.log import Log, get_log
from pushjobs.voice import Voice

_OUTPUT = EventType.OUTPUT  # An attribute of an enumeration is looked up in Python.


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
        self._lanes: dict[Hashable, Lane] = {}
        self._voices: dict[tuple[str, int], Voice[Route]] = {}
        #: How many pieces of output of each attempt are on their way.
        self._unheard: dict[tuple[str, int], int] = {}
        self._timer = False
        self._home: asyncio.AbstractEventLoop | None = None

    @property
    def backlog(self) -> int:
        """How many events wait for the log."""
        return sum(map(len, self._lanes.values()))

    def publish(self, event: Event, channels: tuple[str, ...]) -> None:
        """Publish the announcement of a status, after all that its attempt has said.

        While too much waits for the log it is dropped: a relay announces it from the job's row.
        """
        with self._lock:
            key = (event.job, event.attempt)
            voice = self._voices.get(key)
            if voice is not None:
                self._let_out(voice, everything=True)
                if event.type in CLOSING:
                    del self._voices[key]
            route = self._route(channels)
            if not route.full:
                self._enqueue(event, route)

    def progress(self, gauge: Gauge, channels: tuple[str, ...]) -> None:
        """Publish an attempt's progress: what its gauge has now, or when the interval has passed.

        Nothing need be called for what the gauge is set to while it is ``awaited``.
        """
        with self._lock:
            voice = self._voice(gauge, channels)
            if voice.route.full:
                return
            voice.hold_progress(gauge)
            self._let_out(voice)
            gauge.awaited = voice.holds_progress  # Last, now that the timer runs.

    def output(self, event: Event, channels: tuple[str, ...]) -> None:
        """Publish an attempt's output, joined to what the same stream says within the interval.

        Waits while too much is queued, except on an event loop.
        """
        with self._lock:
            voice = self._voice(event, channels)
            while voice.route.heavy and _in_thread():
                self._moved.wait(0.1)
            voice.hold_output(event)
            self._let_out(voice)

    def silence(self, job: str, attempt: int) -> None:
        """Forget what a superseded attempt has said and not yet published."""
        with self._lock:
            self._voices.pop((job, attempt), None)

    def settle(self, job: str, attempt: int, timeout: float) -> bool:
        """Wait until the log has all output of an attempt; false if ``timeout`` was not enough.

        Before the attempt's end is committed: whoever announces that end, the log takes no output
        after it. On an event loop nothing is waited for.
        """
        key, deadline = (job, attempt), time.monotonic() + timeout
        with self._lock:
            if (voice := self._voices.get(key)) is not None:
                self._let_out(voice, everything=True)
            while key in self._unheard and _in_thread():
                left = deadline - time.monotonic()
                if left <= 0 or not self._moved.wait(left):
                    return False
        return True

    def flush(self, timeout: float) -> bool:
        """Wait until all is published; false if ``timeout`` seconds were not enough."""
        deadline = time.monotonic() + timeout
        with self._lock:
            for voice in self._voices.values():
                self._let_out(voice, everything=True)
            home = self._at_home()
            for lane in self._lanes.values():
                lane.wake(home)
            while not all(lane.idle for lane in self._lanes.values()):
                left = deadline - time.monotonic()
                if left <= 0 or not self._moved.wait(left):
                    return False
        return True

    def rebind(self, _: asyncio.AbstractEventLoop) -> None:
        """Go on working on another loop: the one before may be closed."""
        with self._lock:
            self._at_home()

    def _voice(self, said: Event | Gauge, channels: tuple[str, ...]) -> Voice[Route]:
        key = (said.job, said.attempt)
        voice = self._voices.get(key)
        if voice is None:
            voice = self._voices[key] = Voice(self._route(channels))
        return voice

    def _let_out(self, voice: Voice[Route], *, everything: bool = False) -> None:
        """Queue what a voice holds and is due; for the rest, see to it that the timer runs."""
        now = time.monotonic()
        for event in voice.take(now, everything=everything):
            self._enqueue(event, voice.route)
        due = voice.due()
        if due is not None:
            self._arm(due - now)

    def _enqueue(self, event: Event, route: Route) -> None:
        body, home = event.body(), self._at_home()
        posting = Posting(event, len(route.shares))
        if event.type == _OUTPUT:
            key = (event.job, event.attempt)
            self._unheard[key] = self._unheard.get(key, 0) + 1
        for lane, names in route.shares:
            lane.put(Parcel([Record.of(event, name, body) for name in names], posting))
            lane.wake(home)

    def _arrived(self, parcels: Sequence[Parcel], told: bool) -> None:
        """On the loop: a shard has its part of some events, or never will."""
        heard: list[Event] = []
        for parcel in parcels:
            posting = parcel.posting
            if parcel.arrived:
                continue  # A second time, after the loop has changed.
            parcel.arrived = True
            posting.told &= told
            posting.missing -= 1
            if posting.missing:
                continue
            event = posting.event
            if event.type == _OUTPUT:
                heard.append(event)
            if event.version and posting.told and self._on_published is not None:
                self._on_published(UUID(event.job), event.version)
        if heard:
            self._heard(heard)

    def _heard(self, output: Sequence[Event]) -> None:
        with self._lock:  # Once for all: whoever waits for a lock gives the interpreter away.
            for event in output:
                key = (event.job, event.attempt)
                left = self._unheard[key] - 1
                if left:
                    self._unheard[key] = left
                else:
                    del self._unheard[key]

    def _route(self, channels: tuple[str, ...]) -> Route:
        shares: dict[Lane, list[str]] = {}
        for name in channels:
            shard = self._log.shard(name)
            lane = self._lanes.get(shard)
            if lane is None:
                lane = Lane(self._log, self._bell, self._moved, self._arrived)
                self._lanes[shard] = lane
            shares.setdefault(lane, []).append(name)
        return Route(shares)

    def _at_home(self) -> asyncio.AbstractEventLoop:
        """The loop to work on. Where it is another than before, all is taken up there anew."""
        home = loop.current()
        if home is not self._home:
            self._home = home
            for lane in self._lanes.values():
                lane.restart()
                lane.wake(home)
            home.call_soon_threadsafe(self._on_timer)
            self._timer = True
        return home

    def _arm(self, delay: float) -> None:
        home = self._at_home()
        if not self._timer:
            home.call_soon_threadsafe(home.call_later, max(delay, 0.01), self._on_timer)
            self._timer = True  # Last, for the same reason.

    def _on_timer(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._timer = False
            try:
                for voice in self._voices.values():
                    for event in voice.take(now):
                        self._enqueue(event, voice.route)
            finally:  # Gauges are awaited: one event that fails must not stop the timer.
                dues = [due for voice in self._voices.values() if (due := voice.due()) is not None]
                if dues:
                    self._arm(min(dues) - now)


def _in_thread() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


@lru_cache(maxsize=1)
def get_publisher() -> Publisher:
    """This process's publisher."""
    note = None if settings.EAGER else get_announcements().note
    publisher = Publisher(get_log(), Doorbell(), note)
    loop.on_bind(publisher.rebind)
    return publisher


def _reset(*, setting: str, **_: object) -> None:
    if setting in ("PUSHJOBS", "CHANNEL_LAYERS"):
        get_publisher.cache_clear()


setting_changed.connect(_reset)
