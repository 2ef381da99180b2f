"""What a log promises: the last events of each channel, each with an offset.

Every implementation passes ``tests/unit/log/``. The promises:

- offsets of a channel count from 1 without a gap within an epoch; the epoch changes whenever the
  channel starts afresh;
- ``append`` refuses, one record at a time, what a job's channel already has or must not have any
  more: a status whose version it has; a word of an attempt that is superseded, closed or known;
- ``read`` gives entries in offset order, and says so when some after the position are gone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pushjobs.cursor import Position
from pushjobs.events import CLOSING, Entry, EventType, Record


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of one channel in offset order.

    ``head`` is the channel's last position when it was read. ``complete`` is false where entries
    between the asked position and the first one here are gone, or the position is of another epoch
    or beyond the head.
    """

    head: Position
    entries: Sequence[Entry]
    complete: bool


class Log(Protocol):
    """The replay buffer. Every call may raise ``LogUnavailable``."""

    def shard(self, channel: str) -> Hashable:
        """What keeps the channel. Each shard may be out of reach by itself."""
        ...

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        """Append records in order; ``None`` stands for one that was refused."""
        ...

    async def read(self, channel: str, after: Position | None, limit: int) -> Page:
        """Up to ``limit`` entries after a position, or from the earliest kept where it is None."""
        ...

    async def heads(self, channels: Sequence[str]) -> Mapping[str, Position]:
        """The last position of each channel; one never seen is opened, at offset 0 of an epoch.

        Where the channels are on many servers, those of a server out of reach are left out; raises
        ``LogUnavailable`` where there is nothing to answer. So does ``progress``.
        """
        ...

    async def progress(self, channels: Sequence[str]) -> Mapping[str, Entry]:
        """The newest progress of each job channel whose attempt still runs."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@dataclass(slots=True)
class Fence:
    """What a channel knows of one job, to refuse the stale and the repeated."""

    version: int = 0
    attempt: int = 0
    seq: int = 0
    closed: bool = False

    def admits(self, record: Record) -> bool:
        """Whether to append ``record``; if so, remember it."""
        if record.attempt < self.attempt:
            return False
        if record.version:
            if record.version <= self.version:
                return False
            self.version = record.version
        elif record.attempt == self.attempt and (self.closed or record.seq <= self.seq):
            return False
        if record.attempt > self.attempt:
            self.attempt, self.seq, self.closed = record.attempt, 0, False
        self.seq = max(self.seq, record.seq)
        if record.version:
            self.closed = record.type in CLOSING or record.type == EventType.QUEUED
        return True
