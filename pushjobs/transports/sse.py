"""Server-Sent Events (WHATWG HTML, section 9.2), as raw ASGI: no consumer, no Django response.

The same URLs answer a client that asks for ``application/json`` with a page of events.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from pushjobs import access
from pushjobs.access import Caller
from pushjobs.burst import Burst
from pushjobs.conf import settings
from pushjobs.cursor import Cursor, Position
from pushjobs.events import Entry
from pushjobs.exceptions import (
    BadRequest,
    MethodNotAllowed,
    PushjobsError,
    StreamUnavailable,
)
from pushjobs.hub import get_hub
from pushjobs.outage import check_pools
from pushjobs.outbox import Outbox
from pushjobs.subscription import Subscription
from pushjobs.transports import polling
from pushjobs.transports.admission import admission
from pushjobs.transports.connections import connections
from pushjobs.transports.request import (
    OUTAGE,
    Scope,
    StreamRequest,
    answer,
    answer_problem,
)
from pushjobs.writer import Send, writer_of

logger = logging.getLogger(__name__)

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_COMMENT = b":\n\n"
_BLOCK = attrgetter("sse")
_CLOSE_TIMEOUT = 2.0
_OUTAGE_RETRY = 3


async def job_events(scope: Scope, receive: Any, send: Send) -> None:
    """``GET /jobs/<id>/events``: the events of one job, to its end."""
    request = StreamRequest(scope)
    await _serve(request, receive, send, lambda: [f"job:{request.job_id}"])


async def events(scope: Scope, receive: Any, send: Send) -> None:
    """``GET /jobs/events?channel=…&channel=…``: the events of many channels."""
    request = StreamRequest(scope)
    await _serve(request, receive, send, lambda: request.query.get("channel", []))


async def _serve(
    request: StreamRequest, receive: Any, send: Send, names: Callable[[], Sequence[str]]
) -> None:
    if request.scope["method"] == "OPTIONS":  # A preflight, answered whoever asks.
        await answer(send, 200, [(b"allow", b"GET, OPTIONS"), *request.cors()])
        return
    if request.scope["method"] != "GET":
        await answer_problem(send, request, MethodNotAllowed(headers={"Allow": "GET, OPTIONS"}))
        return
    try:
        caller = await request.caller(query_token=True)
        channels = _authorised_names(caller, names())
        text = request.headers.get("last-event-id") or request.field("cursor")
        cursor = Cursor.decode(text, channels) if text else None
        with admission.connection(caller, len(channels)):
            if request.accepts_json:
                await polling.answer_page(request, send, caller, channels, cursor)
            else:
                await _stream(request, receive, send, caller, channels, cursor)
    except OUTAGE as error:
        logger.warning("a stream could not be opened: %s", error)
        check_pools()
        if request.accepts_json:
            await answer_problem(send, request, StreamUnavailable())
        else:
            await _answer_later(request, send)
    except PushjobsError as error:
        await answer_problem(send, request, error)


async def _answer_later(request: StreamRequest, send: Send) -> None:
    """A stream that ends at once: any status but 200 would stop an ``EventSource`` for good."""
    await answer(send, 200, _HEADERS + request.cors(), _retry(_OUTAGE_RETRY))


async def _stream(
    request: StreamRequest,
    receive: Any,
    send: Send,
    caller: Caller,
    channels: Sequence[str],
    cursor: Cursor | None,
) -> None:
    stream = Stream(channels)
    try:
        await stream.open(caller, cursor)
        if stream.over:
            await answer(send, 204, [(b"cache-control", b"no-store"), *request.cors()])
        else:
            headers = _HEADERS + request.cors()
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await stream.serve(request.scope, receive, send, caller.expires)
    finally:
        stream.close()


def _authorised_names(caller: Caller, names: Sequence[str]) -> list[str]:
    """The channels of the log; their jobs are checked when they are opened."""
    if not names:
        raise BadRequest("name at least one channel: ?channel=job:<id>")
    if len(names) > settings.MAX_CHANNELS:
        raise BadRequest(f"one stream carries at most {settings.MAX_CHANNELS} channels")
    channels = [access.channel(caller, name) for name in names]
    if len(set(channels)) < len(channels):
        # One job's id may be spelt in several ways.
        raise BadRequest("each channel may be named once")
    return channels


class Stream:
    """One client's stream: a sink that writes entries as blocks of ``text/event-stream``."""

    _outbox: Outbox  # From ``serve`` on; before it, nothing is put.

    def __init__(self, channels: Sequence[str]) -> None:
        self.heartbeat = settings.STREAM_HEARTBEAT
        self._single = len(channels) == 1
        self._places = {channel: place for place, channel in enumerate(channels)}
        self._cursors = [Cursor.encode_one(channel, None) for channel in channels]
        hub = get_hub()
        self._subscriptions = [Subscription(hub, self, channel) for channel in channels]
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writable = True

    async def open(self, caller: Caller, cursor: Cursor | None) -> None:
        """Authorise and place every channel; raises what ``Subscription.open`` raises."""
        for subscription in self._subscriptions:
            place = self._places[subscription.channel]
            position = cursor.positions[place] if cursor else None
            earliest = cursor is not None and cursor.earliest
            await subscription.open(caller, position, earliest=earliest)
            if subscription.position is not None:
                self._cursors[place] = Cursor.encode_one(
                    subscription.channel, subscription.position
                )

    @property
    def over(self) -> bool:
        """Whether all is told: the client need not come back."""
        return all(subscription.over for subscription in self._subscriptions)

    async def serve(self, scope: Scope, receive: Any, send: Send, expires: float | None) -> None:
        """Send the body, until the stream's end, its client's, or its token's."""
        running = asyncio.get_running_loop()
        self._outbox = Outbox(writer_of(scope, send, _messages, _BLOCK), self._on_end)
        self._outbox.put(_retry())
        watcher = running.create_task(self._watch(receive))
        timer = running.call_later(expires - time.time(), self._finish) if expires else None
        connections.add(self)
        try:
            for subscription in self._subscriptions:
                if not subscription.over:
                    await subscription.run()
            await self._done
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._outbox.drained()
        except TimeoutError:
            self._writable = False  # It does not read: the server hangs up on it.
        except OUTAGE:
            pass  # The client comes back with its cursor.
        finally:
            connections.remove(self)
            watcher.cancel()
            if timer is not None:
                timer.cancel()
            self.close()
            self._outbox.close()
            if self._writable:
                await send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()

    def deliver(self, channel: str, burst: Burst) -> None:
        if self._single:
            self._outbox.deliver(burst, _BLOCK)
        else:
            for entry in burst.entries:
                self.put(channel, entry, moves=True)

    def put(self, channel: str, entry: Entry, *, moves: bool) -> None:
        if not moves:
            payload = entry.sse_fields
        elif self._single:
            payload = entry.sse
        else:
            self._cursors[self._places[channel]] = entry.cursor
            payload = self._id() + entry.sse_fields
        self._outbox.put(payload, entry.replaces)

    def move(self, channel: str, position: Position) -> None:
        self._cursors[self._places[channel]] = Cursor.encode_one(channel, position)
        self._outbox.put(self._id() + b"\n")

    def ended(self, channel: str) -> None:
        if self._single:
            self._finish()

    async def drained(self) -> None:
        await self._outbox.drained()

    def beat(self) -> None:
        self._outbox.put(_COMMENT, replaces="beat")

    def go_away(self) -> None:
        if not self._done.done():
            self._outbox.put(_retry())
            self._finish()

    def _id(self) -> bytes:
        return f"id: {Cursor.join(self._cursors)}\n".encode()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _on_end(self, slow: bool) -> None:
        self._writable = False
        self._finish()

    async def _watch(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._writable = False
        self._outbox.close()
        self._finish()


def _retry(factor: float = 1) -> bytes:
    """After how long to come back: in milliseconds, with jitter so that not all come at once."""
    return b"retry: %d\n\n" % (1000 * factor * settings.STREAM_RETRY * random.uniform(0.5, 1.5))


def _messages(payloads: Sequence[bytes]) -> list[Any]:
    return [{"type": "http.response.body", "body": b"".join(payloads), "more_body": True}]
