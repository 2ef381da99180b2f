"""A feed: one channel as this process serves it, and who follows it here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from pushjobs.cursor import Position
from pushjobs.events import Entry
from pushjobs.reader import Snapshot

logger = logging.getLogger(__name__)


class Subscriber(Protocol):
    """One who follows a feed. Neither call may block, raise or wait."""

    def deliver(self, entries: Sequence[Entry]) -> None:
        """The next entries, in offset order without a gap."""

    def resync(self, snapshot: Snapshot, position: Position) -> None:
        """A snapshot in place of entries that are gone; what follows comes after ``position``."""


class Feed:
    """One channel, and who follows it here. ``position`` is that of the last entry delivered."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.position = Position("", 0)
        self.subscribers: dict[Subscriber, None] = {}
        self.holders = 0
        self.opening: asyncio.Task[None] | None = None
        self.reading: asyncio.Task[None] | None = None
        self.hinted = False

    @property
    def idle(self) -> bool:
        """Whether no one holds it and nothing is under way."""
        return not self.holders and self.opening is None and self.reading is None

    def advance(self, entries: Sequence[Entry]) -> None:
        """Deliver entries that follow the position."""
        self.position = entries[-1].position
        for subscriber in tuple(self.subscribers):
            try:
                subscriber.deliver(entries)
            except Exception:
                logger.exception("a subscriber of %s failed and is dropped", self.channel)
                self.subscribers.pop(subscriber, None)
