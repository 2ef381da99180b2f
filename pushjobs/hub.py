"""The hub: per process one mailbox on the layer, many local subscribers.

A feed is one channel as this process serves it. Each entry is decoded once and handed to all local
subscribers, together with all else that came in the same step of the loop. The doorbell is only a
hint: an entry that follows the last one is delivered at once, an older one is dropped, and for
anything else the log is read, once for all. A sweep asks the log every ``SWEEP_INTERVAL`` for the
head of every feed, and reads what the doorbell has lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed

from pushjobs import loop
from pushjobs.batch import Batch
from pushjobs.conf import settings
from pushjobs.cursor import Position
from pushjobs.events import Entry
from pushjobs.exceptions import LogUnavailable
from pushjobs.feed import Feed
from pushjobs.layer import Doorbell
from pushjobs.log import Log, get_log
from pushjobs.membership import Mailbox, Membership
from pushjobs.reader import Snapshot, get_reader

logger = logging.getLogger(__name__)

PAGE = 200
#: So many entries fit into a backlog, however large they are.
STEP = 16
_BATCH = 500
_RETRY = 1.0


TakeSnapshot = Callable[[str, Position], Awaitable[Snapshot]]


class Hub:
    """All feeds of this process. Lives on one event loop."""

    #: Seconds that an entry may take from the log to this process.
    in_flight = 0.1

    #: Called with the digest of a session's key when a process tells of a logout.
    on_logout: Callable[[str], None] | None = None

    def __init__(self, log: Log, mailbox: Mailbox, snapshot: TakeSnapshot) -> None:
        self.log = log
        self._mailbox = mailbox
        self._snapshot = snapshot
        self._feeds: dict[str, Feed] = {}
        self._heads = Batch(self._join_and_place, _BATCH)
        self._membership = Membership(mailbox)
        #: Feeds with entries to be handed on at the end of this step of the loop.
        self._due: list[Feed] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running = False

    @property
    def feeds(self) -> int:
        """How many channels this process serves."""
        return len(self._feeds)

    def start(self) -> None:
        """Begin to listen and to sweep; does nothing the second time."""
        if not self._running:
            self._running = True
            self._spawn(self._listen())
            self._spawn(self._sweep_forever())

    async def stop(self) -> None:
        """End all tasks."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running = False
        await self._flush()  # Its own task may not have begun.

    async def open(self, channel: str) -> Feed:
        """The feed of a channel, joined and placed at its head; give it back with ``release``.

        Joined before the head is read, so that no entry slips by between the two; both together
        with other feeds that open. Raises ``LogUnavailable``.
        """
        self.start()
        feed = self._feeds.get(channel)
        if feed is None:
            feed = self._feeds[channel] = Feed(channel)
            feed.opening = self._spawn(self._open(feed))
        feed.holders += 1
        try:
            if feed.opening is not None:
                await asyncio.shield(feed.opening)
        except BaseException:
            self.release(feed)
            raise
        return feed

    def release(self, feed: Feed) -> None:
        """Give back a feed; the sweep closes it once no one holds it."""
        feed.holders -= 1

    async def sweep(self) -> None:
        """Read what the doorbell has lost, and close feeds that no one holds."""
        await self._close_idle()
        feeds = [feed for feed in self._feeds.values() if feed.opening is None]
        if not feeds:
            return
        heads = await self.log.heads([feed.channel for feed in feeds])
        behind = {
            feed: feed.position
            for feed in feeds
            if feed.channel in heads and not feed.position.covers(heads[feed.channel])
        }
        if not behind:
            return
        # A bell that is about to ring is not lost; and a feed that moves notices its own gaps.
        await asyncio.sleep(self.in_flight)
        lost = [feed for feed, position in behind.items() if feed.position == position]
        for feed in lost:
            self.catch_up(feed)
        # The bell may not have rung because the layer has forgotten who joined.
        await self._membership.join([feed.channel for feed in lost])

    def ring(self, channel: str, entries: Sequence[Entry]) -> None:
        """Take entries from the doorbell: in any order, any number of times."""
        feed = self._feeds.get(channel)
        if feed is None:
            return
        if feed.opening is not None or feed.reading is not None:
            feed.hinted = True
            return
        fresh: list[Entry] = []
        position = feed.position
        for entry in entries:
            if position.precedes(entry.position):
                fresh.append(entry)
                position = entry.position
            elif not position.covers(entry.position):
                self.catch_up(feed)
        if fresh and feed.take(fresh):
            if not self._due:
                self._spawn(self._flush())
            self._due.append(feed)

    def catch_up(self, feed: Feed) -> None:
        """Read the feed's log from its position on, unless that is under way."""
        feed.hinted = True
        if feed.reading is None:
            feed.reading = self._spawn(self._read(feed))

    async def settle(self, feed: Feed) -> None:
        """Bring a feed to the head of its log."""
        self.catch_up(feed)
        while feed.reading is not None:
            await asyncio.shield(feed.reading)

    async def _open(self, feed: Feed) -> None:
        try:
            head = await self._heads.get(feed.channel)
            if head is None:
                raise LogUnavailable("the channel's server is out of reach")
        except BaseException:
            if self._feeds.get(feed.channel) is feed:
                del self._feeds[feed.channel]
            raise
        feed.position = head
        feed.opening = None
        if feed.hinted:  # The head may have been read before what rang was there.
            self.catch_up(feed)

    async def _join_and_place(self, names: list[str]) -> Mapping[str, Position]:
        await self._membership.join(names)
        return await self.log.heads(names)

    async def _close_idle(self) -> None:
        """All at once: a layer that does not answer must not hold up the sweep feed by feed."""
        idle = [feed for feed in self._feeds.values() if feed.idle]
        for feed in idle:
            del self._feeds[feed.channel]
        await self._membership.leave([feed.channel for feed in idle], self._feeds)

    async def _read(self, feed: Feed) -> None:
        try:
            while feed.hinted:
                feed.hinted = False
                page = await self.log.read(feed.channel, feed.position, PAGE)
                if not page.complete:
                    # What comes after the head is read next; the snapshot holds what came before.
                    snapshot = await self._snapshot(feed.channel, page.head)
                    feed.resync(snapshot, page.head)
                    feed.hinted = True
                elif page.entries:
                    for start in range(0, len(page.entries), STEP):
                        feed.take(page.entries[start : start + STEP])
                        feed.flush()
                        await asyncio.sleep(0)
                    feed.hinted = feed.hinted or feed.position != page.head
        except LogUnavailable:
            logger.warning("the log is out of reach; the next sweep reads %s", feed.channel)
        except Exception:
            logger.exception("%s could not be read", feed.channel)
        finally:
            feed.reading = None

    async def _flush(self) -> None:
        """In a task, for which a middleware's ``asyncio.timeout`` around ``send`` asks."""
        due, self._due = self._due, []
        for feed in due:
            try:
                feed.flush()
            except Exception:
                logger.exception("%s could not be delivered", feed.channel)

    async def _listen(self) -> None:
        while True:
            try:
                rung = await self._mailbox.receive(self._feeds)
                for channel, entries in rung.items():
                    self.ring(channel, entries)
            except Exception:
                logger.warning("the channel layer cannot be heard", exc_info=True)
                await asyncio.sleep(_RETRY)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(settings.SWEEP_INTERVAL)
            try:
                await self.sweep()
            except Exception as error:
                logger.warning("the sweep failed: %s", error)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Who waited for it was told; if no one did, no one need know.


@lru_cache(maxsize=1)
def _hub_of(home: asyncio.AbstractEventLoop) -> Hub:
    async def snapshot(channel: str, position: Position) -> Snapshot:
        return await get_reader().snapshot(channel, position, recovered=False)

    def logged_out(session: str) -> None:
        if hub.on_logout is not None:
            hub.on_logout(session)

    hub = Hub(get_log(), Doorbell(logged_out), snapshot)
    return hub


def get_hub() -> Hub:
    """The hub of this process; call it on the event loop that serves."""
    home = asyncio.get_running_loop()
    loop.bind(home)
    return _hub_of(home)


def _reset(*, setting: str, **_: object) -> None:
    if setting in ("PUSHJOBS", "CHANNEL_LAYERS"):
        _hub_of.cache_clear()


setting_changed.connect(_reset)
