"""Polling: pages of events from a cursor on, and waiting for a job's change on the hub."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence

import orjson

from pushjobs import channels as channel_names
from pushjobs.access import Caller
from pushjobs.burst import Burst
from pushjobs.conf import settings
from pushjobs.cursor import Cursor, Position
from pushjobs.events import Entry, EventType
from pushjobs.hub import get_hub
from pushjobs.logins import Login
from pushjobs.models import Job
from pushjobs.subscription import Subscription
from pushjobs.transports.connections import connections
from pushjobs.transports.request import StreamRequest, answer
from pushjobs.writer import Send

PAGE = 500


async def answer_page(
    request: StreamRequest,
    send: Send,
    caller: Caller,
    channels: Sequence[str],
    cursor: Cursor,
) -> None:
    """Send the events after a cursor: now, or when there are some, up to ``Prefer: wait``."""
    page = _Page(channels)
    subscriptions = [Subscription(get_hub(), page, channel) for channel in channels]
    wait = min(request.wait or 0, settings.MAX_WAIT)
    try:
        for subscription, start in zip(subscriptions, cursor.starts, strict=True):
            await subscription.open(caller, start.position, earliest=start.earliest)
            page.opened(subscription)
        try:
            for subscription in subscriptions:
                if not subscription.over:
                    await subscription.run()
        except _PageFull:
            page.more = True
        if wait and not page.items and not page.ended_all:
            left = wait if caller.expires is None else min(wait, caller.expires - time.time())
            await page.filled(left, caller.login)
        recovered = [item.recovered for item in subscriptions if item.recovered is not None]
    finally:
        for subscription in subscriptions:
            subscription.close()
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if request.wait is not None:
        headers.append((b"preference-applied", b"wait=%d" % wait))
    body = page.body(all(recovered) if recovered else None)
    await answer(send, 200, headers + request.cors(), body)


async def changed(caller: Caller, job: Job, timeout: float) -> None:
    """Wait until something but output happens to a job, or ``timeout`` seconds have passed.

    Or until the caller's token expires.
    """
    if caller.expires is not None:
        timeout = min(timeout, caller.expires - time.time())
    page = _Page([channel_names.of_job(job.id)], ignored=EventType.OUTPUT)
    subscription = Subscription(get_hub(), page, channel_names.of_job(job.id))
    try:
        await subscription.open(caller, None)
        subscription.live()
        current = await Job.objects.aget(pk=job.pk)
        if current.version == job.version:
            await page.filled(timeout, caller.login)
    except Job.DoesNotExist:
        pass
    finally:
        subscription.close()


class _PageFull(Exception):
    """There is more, and it comes with the next page."""


class _Page:
    """A sink that keeps what it is given, and a connection while it waits for more."""

    heartbeat = math.inf

    def __init__(self, channels: Sequence[str], ignored: str | None = None) -> None:
        self.items: list[bytes] = []
        self.more = False
        self._ignored = ignored
        self._places = {channel: place for place, channel in enumerate(channels)}
        self._cursors = [Cursor.encode_one(channel, None) for channel in channels]
        self._ended: set[str] = set()
        self._filled = asyncio.Event()

    @property
    def ended_all(self) -> bool:
        return len(self._ended) == len(self._places)

    def opened(self, subscription: Subscription) -> None:
        place = self._places[subscription.channel]
        self._cursors[place] = Cursor.encode_one(subscription.channel, subscription.position)
        if subscription.over:
            self._ended.add(subscription.channel)

    def deliver(self, channel: str, burst: Burst) -> None:
        for entry in burst.entries:
            self.put(channel, entry, moves=True)

    def put(self, channel: str, entry: Entry, *, moves: bool) -> None:
        if entry.record.type == self._ignored:
            return
        if moves:
            self._cursors[self._places[channel]] = entry.cursor
        self.items.append(entry.page_item(Cursor.join(self._cursors) if moves else None))
        self._filled.set()

    def move(self, channel: str, position: Position) -> None:
        self._cursors[self._places[channel]] = Cursor.encode_one(channel, position)

    direct = False

    def line(self) -> None:
        return None

    def ended(self, channel: str) -> None:
        self._ended.add(channel)
        self._filled.set()

    async def drained(self) -> None:
        if len(self.items) >= PAGE:
            raise _PageFull

    async def filled(self, timeout: float, login: Login | None) -> None:
        """Wait for an entry, up to ``timeout`` seconds, or until the server or ``login`` goes."""
        connections.add(self, login=login)
        try:
            async with asyncio.timeout(timeout):
                await self._filled.wait()
        except TimeoutError:
            pass
        finally:
            connections.remove(self)

    def beat(self) -> None:
        pass  # Its client has an answer by the time that it asked for.

    def go_away(self) -> None:
        self._filled.set()

    def expire(self) -> None:
        pass  # It waits no longer than its token lasts.

    def body(self, recovered: bool | None) -> bytes:
        members = {
            "cursor": Cursor.join(self._cursors),
            "recovered": recovered,
            "ended": self.ended_all and not self.more,
            "more": self.more,
        }
        return b'{"events":[' + b",".join(self.items) + b"]," + orjson.dumps(members)[1:]
