"""One client's stream of Server-Sent Events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any

from pushjobs.access import Caller
from pushjobs.burst import Burst
from pushjobs.cohort import Line
from pushjobs.conf import settings
from pushjobs.cursor import Cursor, Position
from pushjobs.events import Entry
from pushjobs.hub import get_hub
from pushjobs.outbox import Outbox
from pushjobs.subscription import Subscription
from pushjobs.transports.admission import Seat
from pushjobs.transports.connections import connections
from pushjobs.transports.lifetime import Lifetime
from pushjobs.transports.request import OUTAGE, Scope
from pushjobs.writer import Send, writer_of

_COMMENT = b":\n\n"
_BLOCK = attrgetter("sse")
_CLOSE_TIMEOUT = 2.0


class Stream:
    """One client's stream: a sink that writes entries as blocks of ``text/event-stream``."""

    __slots__ = (
        "_caller",
        "_cursors",
        "_expires",
        "_left",
        "_lifetime",
        "_login",
        "_outbox",
        "_places",
        "_seat",
        "_single",
        "_subscriptions",
        "_writable",
        "heartbeat",
    )

    _outbox: Outbox

    def __init__(self, channels: Sequence[str], seat: Seat, caller: Caller) -> None:
        self.heartbeat = settings.STREAM_HEARTBEAT
        self._seat = seat
        self._caller: Caller | None = caller
        self._single = len(channels) == 1
        self._places = {channel: place for place, channel in enumerate(channels)}
        self._cursors = [Cursor.encode_one(channel, None) for channel in channels]
        hub = get_hub()
        self._subscriptions = [Subscription(hub, self, channel) for channel in channels]
        self._left = len(channels)
        self._expires, self._login = caller.expires, caller.login
        self._lifetime = Lifetime()
        self._writable = True

    async def open(self, cursor: Cursor) -> None:
        """Authorise and place every channel; raises what ``Subscription.open`` raises."""
        assert self._caller is not None
        for subscription, start in zip(self._subscriptions, cursor.starts, strict=True):
            await subscription.open(self._caller, start.position, earliest=start.earliest)
            if subscription.position is not None:
                self._place(subscription.channel, subscription.position)
            self._left -= subscription.over
        self._caller = None  # A stream is held for long: no more than it needs.

    @property
    def over(self) -> bool:
        """Whether all is told: the client need not come back."""
        return not self._left

    def begin(self, scope: Scope, send: Send) -> None:
        """Write from now on: the response has started."""
        writer = writer_of(scope, send, _messages, _BLOCK)
        writer.on_stop = self._step_out
        self._outbox = Outbox(writer, self._on_end)
        self._outbox.put(retry())

    async def serve(self, receive: Any, send: Send) -> None:
        """Send the body, until the stream's end, its client's, or its token's."""
        connections.add(self, self._expires, self._login)
        try:
            for subscription in self._subscriptions:
                if not subscription.over:
                    await subscription.run()
            async with self._lifetime:
                while (await receive())["type"] != "http.disconnect":
                    pass
                self._writable = False
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._outbox.drained()
        except TimeoutError:
            self._writable = False  # It does not read: the server hangs up on it.
        except OUTAGE:
            pass  # The client comes back with its cursor.
        finally:
            connections.remove(self)
            self.close()
            self._outbox.hang_up()
            if self._writable:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_TIMEOUT):
                        await send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Follow nothing more, and leave."""
        for subscription in self._subscriptions:
            subscription.close()
        self._seat.leave()

    def deliver(self, channel: str, burst: Burst) -> None:
        if self._single:
            self._outbox.deliver(burst, _BLOCK)
        else:
            blocks = [(self._block(channel, entry), entry.replaces) for entry in burst.entries]
            self._outbox.put_all(blocks)

    def put(self, channel: str, entry: Entry, *, moves: bool) -> None:
        payload = self._block(channel, entry) if moves else entry.sse_fields + b"\n"
        self._outbox.put(payload, entry.replaces)

    def move(self, channel: str, position: Position) -> None:
        self._place(channel, position)
        self._outbox.put(self._id())

    @property
    def direct(self) -> bool:
        return self._single

    def line(self) -> Line | None:
        return self._outbox.line(_BLOCK)

    def ended(self, channel: str) -> None:
        self._left -= 1
        if not self._left:
            self._lifetime.end()

    async def drained(self) -> None:
        await self._outbox.drained()

    def beat(self) -> None:
        self._outbox.put(_COMMENT, replaces="beat")

    def go_away(self) -> None:
        if not self._lifetime.over:
            self._outbox.put(retry())
            self._lifetime.end()
            asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT, self._end_replay)

    def expire(self) -> None:
        self._end_replay()
        self._lifetime.end()

    def _place(self, channel: str, position: Position) -> None:
        self._cursors[self._places[channel]] = Cursor.encode_one(channel, position)

    def _block(self, channel: str, entry: Entry) -> bytes:
        """The entry, and where the client stands once it has it."""
        if self._single:
            return entry.sse
        self._cursors[self._places[channel]] = entry.cursor
        return entry.sse_fields + self._id()

    def _id(self) -> bytes:
        """The end of a block."""
        return f"id: {Cursor.join(self._cursors)}\n\n".encode()

    def _end_replay(self) -> None:
        """Its client may read too slowly for what it is to catch up with."""
        if not self._lifetime.begun:
            self._outbox.close()
            self._writable = False

    def _step_out(self) -> None:
        self._outbox.mind_pause()
        for subscription in self._subscriptions:
            subscription.step_out()

    def _on_end(self, slow: bool) -> None:
        self._writable = False
        self._lifetime.end()


def retry(factor: float = 1) -> bytes:
    """After how long to come back: in milliseconds, with jitter so that not all come at once."""
    return b"retry: %d\n\n" % (1000 * factor * settings.STREAM_RETRY * random.uniform(0.5, 1.5))


def _messages(payloads: Sequence[bytes]) -> list[Any]:
    return [{"type": "http.response.body", "body": b"".join(payloads), "more_body": True}]
