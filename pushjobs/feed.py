"""A feed: one channel as this process serves it, and who follows it here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Sequence
from typing import Protocol

from pushjobs.burst import Burst
from pushjobs.cohort import Cohort, Line, Member
from pushjobs.cursor import Position
from pushjobs.events import Entry
from pushjobs.reader import Snapshot

logger = logging.getLogger(__name__)

#: What is handed on at once and not at the end of the loop's step: entries, and their bytes.
_FULL, _FULL_BYTES = 64, 64 * 1024


class Subscriber(Member, Protocol):
    """One who follows a feed. No call may block, raise or wait."""

    def deliver(self, burst: Burst) -> None:
        """The next entries, in offset order without a gap."""

    def resync(self, snapshot: Snapshot, position: Position) -> None:
        """A snapshot in place of entries that are gone; what follows comes after ``position``."""


class Feed:
    """One channel, and who follows it here.

    Entries that arrive in one step of the loop are handed on together. ``position`` is that of the
    last entry taken; it may be about to be delivered.
    """

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.position = Position("", 0)
        #: Who follows it, but for those in a cohort.
        self.subscribers: dict[Subscriber, None] = {}
        self._cohorts: dict[Hashable, Cohort] = {}
        #: Where the cohorts stand.
        self.delivered = self.position
        self.holders = 0
        self.opening: asyncio.Task[None] | None = None
        self.reading: asyncio.Task[None] | None = None
        self.hinted = False
        self._before = self.position
        self._taken: list[Entry] = []
        self._bytes = 0

    @property
    def idle(self) -> bool:
        """Whether no one holds it and nothing is under way."""
        return not self.holders and self.opening is None and self.reading is None

    def take(self, entries: Sequence[Entry]) -> bool:
        """Take entries that follow the position; whether ``flush`` is due for the first time."""
        first = not self._taken
        if first:
            self._before = self.position
        self._taken.extend(entries)
        self.position = entries[-1].position
        for entry in entries:
            self._bytes += len(entry.record.body)
        if len(self._taken) >= _FULL or self._bytes >= _FULL_BYTES:
            self.flush()
        return first

    def flush(self) -> None:
        """Deliver what was taken."""
        if not self._taken:
            return
        burst = Burst(self._before, self._taken)
        self._taken, self._bytes = [], 0
        if burst.terminal:  # Each has an end of its own to come to.
            self._dissolve()
        self.delivered = burst.position
        for framing, cohort in tuple(self._cohorts.items()):
            if cohort:
                cohort.deliver(burst)
            else:
                del self._cohorts[framing]
        for subscriber in tuple(self.subscribers):
            try:
                subscriber.deliver(burst)
            except Exception:
                self._drop(subscriber)

    def resync(self, snapshot: Snapshot, position: Position) -> None:
        """Go on at ``position``, with a snapshot in place of what came before."""
        self.flush()
        self._dissolve()
        self.position = position
        for subscriber in tuple(self.subscribers):
            try:
                subscriber.resync(snapshot, position)
            except Exception:
                self._drop(subscriber)

    def step_in(self, subscriber: Subscriber, line: Line) -> Cohort:
        """Write to the subscriber's connection from now on; it stands where the feed stands."""
        cohort = self._cohorts.get(line.writer.framing)
        if cohort is None:
            cohort = self._cohorts[line.writer.framing] = Cohort(line)
        self.subscribers.pop(subscriber, None)
        cohort.add(subscriber, line)
        return cohort

    def _dissolve(self) -> None:
        for cohort in self._cohorts.values():
            cohort.dissolve(self.delivered)
        self._cohorts.clear()

    def _drop(self, subscriber: Subscriber) -> None:
        logger.exception("a subscriber of %s failed and is dropped", self.channel)
        self.subscribers.pop(subscriber, None)
