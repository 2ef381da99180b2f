"""The log in this process's memory, for the embedded set-up and for tests."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable, Mapping, Sequence
from hashlib import blake2s
from itertools import islice

from pushjobs.conf import settings
from pushjobs.cursor import Position
from pushjobs.events import Entry, EventType, Record
from pushjobs.log.contract import Fence, Page

_MAX_RESTARTS = 100_000
_OVERHEAD = 600  # Bytes that an entry, a fence or a channel takes beside its body.


class _Channel:
    """One channel's last entries, bounded by number, size and age."""

    __slots__ = ("entries", "epoch", "fences", "offset", "progress", "size", "touched")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.offset = 0
        self.size = 0
        self.entries: deque[tuple[float, Entry]] = deque()
        self.fences: OrderedDict[str, Fence] = OrderedDict()
        self.progress: Entry | None = None
        self.touched = 0.0

    @property
    def weight(self) -> int:
        """About how many bytes of memory it takes."""
        return self.size + _OVERHEAD * (1 + len(self.entries) + len(self.fences))

    def append(self, record: Record, now: float) -> Entry | None:
        fence = self.fences.get(record.job)
        if fence is None:
            fence = self.fences[record.job] = Fence()
        if not fence.admits(record):
            return None
        self.fences.move_to_end(record.job)
        self.offset += 1
        entry = Entry(record, Position(self.epoch, self.offset))
        self.entries.append((now, entry))
        self.size += len(record.body)
        if record.type == EventType.PROGRESS:
            self.progress = entry
        elif record.version:
            self.progress = None
        self._trim(now)
        return entry

    def _trim(self, now: float) -> None:
        oldest, most = now - settings.LOG_MAX_AGE, settings.LOG_MAX_EVENTS
        while self.entries and (
            len(self.entries) > most
            or self.size > settings.LOG_MAX_BYTES
            or self.entries[0][0] < oldest
        ):
            self.size -= len(self.entries.popleft()[1].record.body)
        # A fence outlives its job's entries only while the job may still speak.
        while len(self.fences) > most:
            self.fences.popitem(last=False)

    def read(self, after: Position | None, limit: int) -> Page:
        head = Position(self.epoch, self.offset)
        first = self.entries[0][1].position.offset if self.entries else self.offset + 1
        if after is None:
            skip, complete = 0, first == 1
        elif after.epoch != self.epoch or not first - 1 <= after.offset <= self.offset:
            return Page(head, (), complete=False)
        else:
            skip, complete = after.offset - first + 1, True
        entries = [entry for _, entry in islice(self.entries, skip, skip + limit)]
        return Page(head, entries, complete)


class MemoryLog:
    """Implements ``Log``; safe to call from several threads and loops.

    A new instance starts every channel in a new epoch, so that a cursor from before a restart of
    the process is known to be old. A channel that was never written to takes no memory, however
    often it is asked for; all together hold ``LOG_MAX_TOTAL`` bytes, the least used ones go first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channels: OrderedDict[str, _Channel] = OrderedDict()
        self._size = 0
        self._secret = secrets.token_bytes(16)
        #: How often a channel has started afresh, for those that have.
        self._restarts: dict[str, int] = {}

    def shard(self, channel: str) -> Hashable:
        return None

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        now = time.monotonic()
        with self._lock:
            self._expire(now)
            appended = [self._append(record, now) for record in records]
            while self._size > settings.LOG_MAX_TOTAL and len(self._channels) > 1:
                self._drop(next(iter(self._channels)))
        return appended

    async def read(self, channel: str, after: Position | None, limit: int) -> Page:
        now = time.monotonic()
        with self._lock:
            self._expire(now)
            known = self._touch(channel, now)
            return (known or _Channel(self._epoch(channel))).read(after, limit)

    async def heads(self, channels: Sequence[str]) -> Mapping[str, Position]:
        now = time.monotonic()
        with self._lock:
            self._expire(now)
            states = {name: self._touch(name, now) for name in channels}
            return {
                name: Position(state.epoch, state.offset)
                if state
                else Position(self._epoch(name), 0)
                for name, state in states.items()
            }

    async def progress(self, channels: Sequence[str]) -> Mapping[str, Entry]:
        with self._lock:
            known = {name: self._channels.get(name) for name in channels}
        return {name: state.progress for name, state in known.items() if state and state.progress}

    async def close(self) -> None:
        pass

    def _append(self, record: Record, now: float) -> Entry | None:
        channel = self._touch(record.channel, now)
        if channel is None:
            channel = self._channels[record.channel] = _Channel(self._epoch(record.channel))
            channel.touched = now
            self._size += channel.weight
        before = channel.weight
        entry = channel.append(record, now)
        self._size += channel.weight - before
        return entry

    def _epoch(self, name: str) -> str:
        """A channel's epoch as long as it does not start afresh, whether it was written or not."""
        seed = f"{self._restarts.get(name, 0)}:{name}".encode()
        return blake2s(seed, key=self._secret, digest_size=4).hexdigest()

    def _touch(self, name: str, now: float) -> _Channel | None:
        channel = self._channels.get(name)
        if channel is not None:
            self._channels.move_to_end(name)
            channel.touched = now
        return channel

    def _expire(self, now: float) -> None:
        oldest = now - settings.LOG_MAX_AGE
        while self._channels:
            name, channel = next(iter(self._channels.items()))
            if channel.touched >= oldest:
                return
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._size -= self._channels.pop(name).weight
        self._restarts[name] = self._restarts.get(name, 0) + 1
        if len(self._restarts) > _MAX_RESTARTS:
            # Channels that were never written get another epoch as well, which does no harm.
            self._restarts.clear()
            self._secret = secrets.token_bytes(16)
