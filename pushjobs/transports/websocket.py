"""WebSocket (RFC 6455): one connection for many channels, JSON text frames, as raw ASGI.

Raw, because a Channels consumer's dispatch hops to a thread for every message it passes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Hashable, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any

import orjson
from channels.db import database_sync_to_async

from pushjobs import access, lifecycle, tokens
from pushjobs.access import Caller
from pushjobs.burst import Burst
from pushjobs.conf import settings
from pushjobs.exceptions import (
    BadRequest,
    LimitExceeded,
    PushjobsError,
    ServerBusy,
    Unauthorized,
)
from pushjobs.hub import Hub, get_hub
from pushjobs.outbox import Outbox
from pushjobs.reader import get_reader
from pushjobs.transports.admission import admission
from pushjobs.transports.channelsink import ChannelSink
from pushjobs.transports.connections import connections
from pushjobs.transports.frames import BadFrame, parse, text_of
from pushjobs.transports.request import OUTAGE, Scope, StreamRequest, caller_by_token, refuse_socket
from pushjobs.writer import Send, Writer, writer_of

logger = logging.getLogger(__name__)

GOING_AWAY, TOO_SLOW = 3001, 3008
BAD_FRAME, UNAUTHORIZED, OVER_LIMIT = 3500, 3501, 3502

_CODES = {Unauthorized: UNAUTHORIZED, LimitExceeded: OVER_LIMIT, ServerBusy: GOING_AWAY}
_CLOSE_TIMEOUT = 2.0
_PONG = orjson.dumps({"type": "pong"})
_FRAME = attrgetter("frame")


async def socket(scope: Scope, receive: Any, send: Send) -> None:
    """``/jobs/socket``."""
    request = StreamRequest(scope)
    await receive()
    if not request.origin_allowed:
        await send({"type": "websocket.close", "code": UNAUTHORIZED})
        return
    try:
        admission.check_room()
    except ServerBusy as error:
        await refuse_socket(send, request, error)
        return
    await send({"type": "websocket.accept"})
    try:
        caller = await request.caller()
        with admission.connection(caller):
            writer = writer_of(scope, send, _messages, _FRAME)
            await Socket(caller, get_hub(), writer).serve(receive, send)
    except PushjobsError as error:
        await send({"type": "websocket.close", "code": _CODES[type(error)]})
    except OUTAGE as error:
        logger.warning("a socket's user could not be found: %s", error)
        await send({"type": "websocket.close", "code": GOING_AWAY})


class Socket:
    """One connection: reads frames, and writes the entries of its subscriptions as frames."""

    def __init__(self, caller: Caller, hub: Hub, writer: Writer) -> None:
        self.heartbeat = settings.SOCKET_HEARTBEAT
        self._caller = caller
        self._hub = hub
        self._outbox = Outbox(writer, self._on_end)
        self._subscriptions: dict[str, ChannelSink] = {}
        self._done: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._frames = _Rate(settings.MAX_FRAMES_PER_SECOND)

    async def serve(self, receive: Any, send: Send) -> None:
        """Answer frames until one side closes."""
        running = asyncio.get_running_loop()
        connections.add(self)
        self.say(type="welcome", heartbeat=settings.SOCKET_HEARTBEAT)
        reader = running.create_task(self._read(receive))
        expires, timer = self._caller.expires, None
        if expires is not None:
            timer = running.call_later(expires - time.time(), self.finish, UNAUTHORIZED)
        try:
            code = await self._done
        finally:
            if timer is not None:
                timer.cancel()
            connections.remove(self)
            reader.cancel()
            for name, channel in list(self._subscriptions.items()):
                channel.close()
                self.forget(name)
        if code is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    if code != TOO_SLOW:
                        await self._outbox.drained()
                    self._outbox.close()
                    await send({"type": "websocket.close", "code": code})
        self._outbox.close()

    def say(self, **members: Any) -> None:
        """Send a frame."""
        self._outbox.put(orjson.dumps(members))

    def refuse(self, error: PushjobsError, **members: Any) -> None:
        """Send an ``error`` frame."""
        code = error.slug.replace("-", "_")
        self.say(type="error", code=code, detail=error.detail or error.title, **members)

    def deliver(self, burst: Burst) -> None:
        self._outbox.deliver(burst, _FRAME)

    def write(self, payload: bytes, replaces: Hashable) -> None:
        self._outbox.put(payload, replaces)

    async def drained(self) -> None:
        await self._outbox.drained()

    def forget(self, name: str) -> None:
        """A channel has ended."""
        if self._subscriptions.pop(name, None) is not None:
            admission.channels.give_back(self._caller)

    def finish(self, code: int | None) -> None:
        if not self._done.done():
            self._done.set_result(code)

    def beat(self) -> None:
        # As an unsolicited pong frame is in RFC 6455, section 5.5.3: a heartbeat in one direction.
        self._outbox.put(_PONG, replaces="beat")

    def go_away(self) -> None:
        self.finish(GOING_AWAY)

    def _on_end(self, slow: bool) -> None:
        self.finish(TOO_SLOW if slow else None)

    async def _read(self, receive: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self.finish(None)
                return
            if not self._frames.admits():
                self.finish(OVER_LIMIT)
                return
            try:
                await self._take(message)
            except BadFrame as error:
                self.say(type="error", code="bad_frame", detail=str(error))
                self.finish(BAD_FRAME)
                return
            except Exception:
                logger.exception("a frame could not be answered")
                self.say(type="error", code="internal_error", detail="try again")

    async def _take(self, message: dict[str, Any]) -> None:
        frame = parse(message)
        match frame["type"]:
            case "subscribe":
                self._subscribe(text_of(frame, "channel"), frame)
            case "unsubscribe":
                name = text_of(frame, "channel")
                channel = self._subscriptions.get(name)
                if channel is not None:
                    channel.close()
                    self.forget(name)
                self.say(type="unsubscribed", channel=name)
            case "cancel":
                await self._cancel(text_of(frame, "job"), frame)
            case "ping":
                self.say(type="pong")
            case unknown:
                raise BadFrame(f"unknown type {unknown[:50]!r}")

    def _subscribe(self, name: str, frame: dict[str, Any]) -> None:
        token, cursor = text_of(frame, "token", None), text_of(frame, "cursor", None)
        if name in self._subscriptions:
            self.refuse(BadRequest("already subscribed"), channel=name)
        elif len(self._subscriptions) >= settings.MAX_CHANNELS:
            limit = f"one connection carries at most {settings.MAX_CHANNELS} channels"
            self.refuse(LimitExceeded(limit), channel=name)
        else:
            try:
                admission.channels.take(self._caller)
            except LimitExceeded as error:
                self.refuse(error, channel=name)
                return
            self._subscriptions[name] = channel = ChannelSink(self, name)
            channel.start(self._caller, token, cursor, self._hub)

    async def _cancel(self, job_id: str, frame: dict[str, Any]) -> None:
        try:
            token = text_of(frame, "token", None)
            caller = await caller_by_token(token) if token else self._caller
            key = access.job_id(job_id)
            job = access.job(caller, key, await get_reader().get(key), tokens.CANCEL)
            await _cancel(job)
        except PushjobsError as error:
            self.refuse(error, job=job_id)
        else:
            self.say(type="cancelling", job=job_id)


class _Rate:
    """Admits so many frames a second, with a burst of as many."""

    def __init__(self, per_second: float) -> None:
        self._per_second = self._left = per_second
        self._last = time.monotonic()

    def admits(self) -> bool:
        now = time.monotonic()
        earned = (now - self._last) * self._per_second
        self._left, self._last = min(self._left + earned, self._per_second), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _messages(payloads: Sequence[bytes]) -> list[Any]:
    return [{"type": "websocket.send", "text": payload.decode()} for payload in payloads]


_cancel = database_sync_to_async(lifecycle.cancel, thread_sensitive=False)
