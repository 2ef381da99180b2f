"""One WebSocket connection (RFC 6455): many channels, JSON text frames."""

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
from pushjobs.cohort import Line
from pushjobs.conf import settings
from pushjobs.exceptions import (
    BadRequest,
    LimitExceeded,
    PushjobsError,
)
from pushjobs.hub import get_hub
from pushjobs.outbox import Outbox
from pushjobs.reader import get_reader
from pushjobs.transports.admission import Seat, admission
from pushjobs.transports.channelsink import ChannelSink
from pushjobs.transports.connections import connections
from pushjobs.transports.frames import BadFrame, parse, text_of
from pushjobs.transports.lifetime import Lifetime
from pushjobs.transports.request import Scope, caller_by_token
from pushjobs.writer import Send, writer_of

logger = logging.getLogger(__name__)

GOING_AWAY, TOO_SLOW = 3001, 3008
BAD_FRAME, UNAUTHORIZED, OVER_LIMIT = 3500, 3501, 3502

_CLOSE_TIMEOUT = 2.0
_PONG = orjson.dumps({"type": "pong"})
_FRAME = attrgetter("frame")


class Socket:
    """One connection: reads frames, and writes the entries of its subscriptions as frames."""

    __slots__ = (
        "_caller",
        "_code",
        "_frames",
        "_hub",
        "_lifetime",
        "_outbox",
        "_seat",
        "_subscriptions",
        "heartbeat",
    )

    def __init__(self, scope: Scope, send: Send, caller: Caller, seat: Seat) -> None:
        self.heartbeat = settings.SOCKET_HEARTBEAT
        self._seat = seat
        self._caller = caller
        self._hub = get_hub()
        writer = writer_of(scope, send, _messages, _FRAME)
        writer.on_stop = self._step_out
        self._outbox = Outbox(writer, self._on_end)
        self._subscriptions: dict[str, ChannelSink] = {}
        self._lifetime = Lifetime()
        self._code: int | None = None
        self._frames = _Rate(settings.MAX_FRAMES_PER_SECOND)

    async def serve(self, receive: Any, send: Send) -> None:
        """Answer frames until one side closes."""
        connections.add(self, self._caller.expires, self._caller.login)
        self.say(type="welcome", heartbeat=settings.SOCKET_HEARTBEAT)
        try:
            async with self._lifetime:
                await self._read(receive)
        finally:
            connections.remove(self)
            for name, channel in list(self._subscriptions.items()):
                channel.close()
                self.forget(name)
            self._seat.leave()
        if self._code is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    if self._code != TOO_SLOW:
                        await self._outbox.drained()
                    self._outbox.close()
                    await send({"type": "websocket.close", "code": self._code})
        self._outbox.hang_up()

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

    def line(self) -> Line | None:
        return self._outbox.line(_FRAME)

    def forget(self, name: str) -> None:
        """A channel has ended."""
        if self._subscriptions.pop(name, None) is not None:
            admission.channels.give_back(self._caller)

    def finish(self, code: int | None) -> None:
        """End, and close with a code where the client is still there."""
        if not self._lifetime.over:
            self._code = code
            self._lifetime.end()

    def beat(self) -> None:
        # As an unsolicited pong frame is in RFC 6455, section 5.5.3: a heartbeat in one direction.
        self._outbox.put(_PONG, replaces="beat")

    def go_away(self) -> None:
        self.finish(GOING_AWAY)

    def expire(self) -> None:
        self.finish(UNAUTHORIZED)

    def _step_out(self) -> None:
        self._outbox.mind_pause()
        for channel in self._subscriptions.values():
            channel.step_out()

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
            job = await access.ajob(caller, key, await get_reader().get(key), tokens.CANCEL)
            await _cancel(job)
        except PushjobsError as error:
            self.refuse(error, job=job_id)
        else:
            self.say(type="cancelling", job=job_id)


class _Rate:
    """Admits so many frames a second, with a burst of as many."""

    __slots__ = ("_last", "_left", "_per_second")

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
