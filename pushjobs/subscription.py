"""A subscription: an authorised channel and a cursor → replay, then live.

The same for the three transports: each brings a sink that turns entries into its wire's form.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from pushjobs import access, channels
from pushjobs.access import Caller
from pushjobs.burst import Burst
from pushjobs.cohort import Cohort, Line
from pushjobs.cursor import Position
from pushjobs.events import Entry
from pushjobs.exceptions import LogUnavailable
from pushjobs.feed import Feed
from pushjobs.hub import PAGE, STEP, Hub
from pushjobs.models import Job
from pushjobs.reader import Snapshot, get_reader


class Sink(Protocol):
    """Where a subscription's entries go."""

    @property
    def direct(self) -> bool:
        """Whether its connection can ever be written to past it."""
        ...

    def deliver(self, channel: str, burst: Burst) -> None:
        """Take entries; the client's cursor moves with each of them."""

    def put(self, channel: str, entry: Entry, *, moves: bool) -> None:
        """Take an entry of a snapshot; ``moves`` says whether the cursor goes to its position."""

    def move(self, channel: str, position: Position) -> None:
        """Take a position without an entry."""

    def line(self) -> Line | None:
        """The connection, where it may be written to past this sink now: all bursts, as they are.

        The subscription is to be told by ``step_out`` once that is over.
        """

    def ended(self, channel: str) -> None:
        """The channel's job is over and all of it was put."""

    async def drained(self) -> None:
        """Wait until the client can take more."""


class Subscription:
    """One client's view of one channel.

    ``open`` checks the caller and decides between replay and snapshot; ``run`` puts what the cursor
    lacks and then goes live; ``close`` ends it.
    """

    __slots__ = (
        "_closed",
        "_cohort",
        "_direct",
        "_end_is_logged",
        "_feed",
        "_hub",
        "_sink",
        "channel",
        "over",
        "position",
        "recovered",
    )

    def __init__(self, hub: Hub, sink: Sink, channel: str) -> None:
        self._hub = hub
        self._sink = sink
        self.channel = channel
        self.position: Position | None = None
        #: Whether all after the cursor is there; None where no cursor was given.
        self.recovered: bool | None = None
        #: Whether the job is over and the cursor is behind its last event.
        self.over = False
        self._end_is_logged = False
        self._feed: Feed | None = None
        self._cohort: Cohort | None = None
        self._direct = False
        self._closed = False

    async def open(
        self, caller: Caller, cursor: Position | None, *, earliest: bool = False
    ) -> None:
        """Authorise and place it; raises as ``access`` does, and ``LogUnavailable``."""
        job = await self._authorised(caller)
        self._feed = await self._hub.open(self.channel)
        if earliest:
            page = await self._hub.log.read(self.channel, None, 1)
            # Where there is nothing, no one can tell whether there was.
            self.recovered = page.complete and bool(page.entries)
            if page.entries:
                first = page.entries[0].position
                self.position = Position(first.epoch, first.offset - 1)
        elif cursor is not None and cursor == self._feed.position and (job is None or not job.over):
            # Nothing comes after it that the feed does not bring: the usual case of a reconnect.
            self.position, self.recovered = cursor, True
        elif cursor is not None:
            page = await self._hub.log.read(self.channel, cursor, 1)
            self.recovered = page.complete
            self.position = cursor if page.complete else None
        if job is not None and job.over and self.position is not None:
            self.over = not earliest and not page.entries and await self._told(job)
            self._end_is_logged = job.announced >= job.version

    def live(self) -> None:
        """Follow the feed from now on, without what was before."""
        assert self._feed is not None
        self.position = self._feed.position
        self._feed.subscribers[self] = None

    async def run(self) -> None:
        """Put what lies between the cursor and now, then follow the feed."""
        assert self._feed is not None
        if self.position is None:
            await self._snapshot(self._feed.position)
        while not self._closed and not self._joins(self._feed):
            await self._replay_page(self._feed)
        if self._end_is_logged and not self._closed:
            # The replay would have shown the end, had the log not lost it.
            await self._snapshot(self._feed.position)

    def deliver(self, burst: Burst) -> None:
        if self._closed:
            return
        if burst.before is not self.position:
            # It may have come further than the feed, by a replay or a snapshot of its own.
            rest = burst.beyond(self.position)
            if rest is None:
                return
            burst = rest
        ends = burst.terminal and channels.kind(self.channel) == channels.JOB
        if ends:
            burst = burst.ending()
        self.position = burst.position
        self._sink.deliver(self.channel, burst)
        if ends:
            self._end()
        elif self._direct and self._feed is not None and self.position is self._feed.delivered:
            line = self._sink.line()
            if line is not None:
                self._cohort = self._feed.step_in(self, line)

    def step_out(self, position: Position | None = None) -> None:
        """Leave the cohort, if it is in one; what comes next is delivered to its sink."""
        feed, cohort, self._cohort = self._feed, self._cohort, None
        if feed is not None and cohort is not None:
            cohort.remove(self)
            self.position = position or feed.delivered
            feed.subscribers[self] = None

    def resync(self, snapshot: Snapshot, position: Position) -> None:
        if self.position is not None and self.position.covers(position):
            return  # A replay of its own has brought it further than the feed.
        self.position = position
        self._put_snapshot(snapshot, position)

    def close(self) -> None:
        """Follow no more."""
        self._closed = True
        self.step_out()
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.subscribers.pop(self, None)
            self._hub.release(feed)

    async def _authorised(self, caller: Caller) -> Job | None:
        if channels.kind(self.channel) != channels.JOB:
            return None
        job_id = UUID(self.channel.partition(":")[2])
        return await access.ajob(caller, job_id, await get_reader().get(job_id))

    async def _told(self, job: Job) -> bool:
        """Whether who stands at the channel's head has seen the job's end.

        Certain where the last entry is that end, or where the end is known to be in the log.
        """
        assert self.position is not None
        if job.announced >= job.version:
            return True
        if not self.position.offset:
            return False
        before = Position(self.position.epoch, self.position.offset - 1)
        page = await self._hub.log.read(self.channel, before, 1)
        return any(entry.terminal for entry in page.entries)

    async def _snapshot(self, position: Position) -> None:
        snapshot = await get_reader().snapshot(self.channel, position, recovered=self.recovered)
        if not self._closed:
            self.position = position
            self._put_snapshot(snapshot, position)
            await self._sink.drained()

    def _put_snapshot(self, snapshot: Snapshot, position: Position) -> None:
        """The cursor moves with the last one: who has not got all gets all again."""
        entries = snapshot.entries
        if not entries:
            self._sink.move(self.channel, position)
        for entry in entries:
            self._sink.put(self.channel, entry, moves=entry is entries[-1])
        if snapshot.over:
            self._end()

    async def _replay_page(self, feed: Feed) -> None:
        assert self.position is not None
        if self.position.epoch != feed.position.epoch:
            await self._hub.settle(feed)
        page = await self._hub.log.read(self.channel, self.position, PAGE)
        if page.complete and not page.entries and self.position.epoch != feed.position.epoch:
            raise LogUnavailable("the feed cannot follow its log into a new epoch")
        if page.complete:
            for start in range(0, len(page.entries), STEP):
                if not self._closed:
                    self.deliver(Burst(self.position, page.entries[start : start + STEP]))
                    await self._sink.drained()
        else:
            self.recovered = False
            await self._snapshot(page.head)

    def _joins(self, feed: Feed) -> bool:
        """Go live, if the feed is no further than this subscription; in one step of the loop."""
        if self.position is None or not self.position.covers(feed.position):
            return False
        if self.position == feed.position:
            self.position = feed.position  # The same object, as ``deliver`` asks.
        feed.subscribers[self] = None
        self._direct = self._sink.direct
        return True

    def _end(self) -> None:
        self.close()
        self._sink.ended(self.channel)
