"""One subscribed channel of a WebSocket: its subscription, written as ``event`` frames."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Hashable
from typing import Any, Protocol

from pushjobs import access
from pushjobs.access import Caller
from pushjobs.burst import Burst
from pushjobs.cohort import Line
from pushjobs.cursor import Cursor, Position
from pushjobs.events import Entry
from pushjobs.exceptions import PushjobsError, StreamUnavailable, Unauthorized
from pushjobs.hub import Hub
from pushjobs.outage import note_outage
from pushjobs.subscription import Subscription
from pushjobs.transports.request import OUTAGE, caller_by_token

logger = logging.getLogger(__name__)


class Connection(Protocol):
    """What a channel needs of its connection."""

    def say(self, **members: Any) -> None: ...
    def refuse(self, error: PushjobsError, **members: Any) -> None: ...
    def deliver(self, burst: Burst) -> None: ...
    def write(self, payload: bytes, replaces: Hashable) -> None: ...
    def line(self) -> Line | None: ...
    def forget(self, name: str) -> None: ...
    async def drained(self) -> None: ...


class ChannelSink:
    """One subscribed channel of a connection: a sink that writes entries as ``event`` frames."""

    __slots__ = ("_connection", "_name", "_subscription", "_task", "_timer")

    direct = True

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._subscription: Subscription | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, caller: Caller, token: str | None, cursor: str | None, hub: Hub) -> None:
        opening = self._run(caller, token, cursor, hub)
        self._task = asyncio.get_running_loop().create_task(opening)

    def close(self) -> None:
        for pending in (self._task, self._timer):
            if pending is not None:
                pending.cancel()
        if self._subscription is not None:
            self._subscription.close()

    async def _run(self, caller: Caller, token: str | None, text: str | None, hub: Hub) -> None:
        try:
            if token is not None:
                caller = await caller_by_token(token)
                self._expire_at(caller.expires)
            await self._follow(caller, text, hub)
        except OUTAGE as error:
            note_outage("a subscription", error)
            self._refuse(StreamUnavailable())
        except PushjobsError as error:
            self._refuse(error)
        except Exception:
            logger.exception("a subscription failed")
            self._refuse(StreamUnavailable())
        finally:
            self._task = None

    async def _follow(self, caller: Caller, text: str | None, hub: Hub) -> None:
        channel = access.channel(caller, self._name)
        (start,) = Cursor.decode(text, [channel]).starts
        subscription = self._subscription = Subscription(hub, self, channel)
        await subscription.open(caller, start.position, earliest=start.earliest)
        position = subscription.position
        self._connection.say(
            type="subscribed",
            channel=self._name,
            recovered=subscription.recovered,
            cursor=Cursor.encode_one(channel, position) if position else None,
        )
        if subscription.over:
            self.ended(channel)
        else:
            await subscription.run()

    def deliver(self, channel: str, burst: Burst) -> None:
        self._connection.deliver(burst)

    def put(self, channel: str, entry: Entry, *, moves: bool) -> None:
        payload = entry.frame if moves else entry.socket_frame(None)
        self._connection.write(payload, entry.replaces)

    def move(self, channel: str, position: Position) -> None:
        pass  # A client without an event has nothing to resume from, and asks for a snapshot.

    def line(self) -> Line | None:
        return self._connection.line()

    def step_out(self) -> None:
        """The connection may not be written to past it any more."""
        if self._subscription is not None:
            self._subscription.step_out()

    def ended(self, channel: str) -> None:
        self._connection.say(type="unsubscribed", channel=self._name)
        self._forget()

    async def drained(self) -> None:
        await self._connection.drained()

    def _refuse(self, error: PushjobsError) -> None:
        self._connection.refuse(error, channel=self._name)
        self._forget()

    def _expire_at(self, moment: float | None) -> None:
        if moment is not None:
            running = asyncio.get_running_loop()
            self._timer = running.call_later(moment - time.time(), self._expire)

    def _expire(self) -> None:
        self.close()
        self._refuse(Unauthorized("the token has expired"))

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._subscription is not None:
            self._subscription.close()
        self._connection.forget(self._name)
