"""What one client has yet to be sent: written at once where it can be, bounded where it cannot.

A payload goes to the server's ``send`` in the publisher's own step, without a task switch; only
a ``send`` that does not finish at once (the client reads too slowly) gets a task, and a backlog
behind it. In the backlog a job's newest progress takes the place of the one before. A backlog over
its bound ends the connection, so that a slow reader costs only itself.
"""

from __future__ import annotations

import asyncio
import logging
import types
from collections.abc import Awaitable, Callable, Generator, Hashable
from functools import partial
from typing import Any

from pushjobs.conf import settings

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Send = Callable[[Any], Awaitable[None]]


class Outbox:
    """Sends payloads in order. ``on_end`` is called once: with True when the client is too slow."""

    def __init__(
        self,
        send: Send,
        wrap: Callable[[Any], Message],
        join: Callable[[list[Any]], list[Any]],
        on_end: Callable[[bool], None],
    ) -> None:
        self._send = send
        self._wrap = wrap
        self._join = join
        self._on_end = on_end
        self._backlog: dict[int, Any] = {}
        self._bytes = 0
        self._number = 0
        self._replaceable: dict[Hashable, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    def put(self, payload: Any, replaces: Hashable = None) -> None:
        """Send a payload, after all before it; ``replaces`` names what it makes out of date."""
        if self.closed:
            return
        if self._task is None:
            self._write(payload)
            return
        if replaces is not None:
            self._drop(self._replaceable.get(replaces))
        self._number += 1
        self._backlog[self._number] = payload
        self._bytes += len(payload)
        if replaces is not None:
            self._replaceable[replaces] = self._number
        if len(self._backlog) > settings.BACKLOG_EVENTS or self._bytes > settings.BACKLOG_BYTES:
            self._end(slow=True)

    async def drained(self) -> None:
        """Wait until all that was put is with the server, or the connection has ended."""
        while self._task is not None and not self.closed:
            await asyncio.wait([self._task])

    def close(self) -> None:
        """Send nothing more."""
        self.closed = True
        self._backlog.clear()
        if self._task is not None:
            self._task.cancel()

    def _write(self, payload: Any) -> None:
        try:
            coroutine = self._send(self._wrap(payload)).__await__()
            waits_for = next(coroutine)
        except StopIteration:
            return
        except Exception:
            self._end(slow=False)
            return
        self._task = asyncio.get_running_loop().create_task(self._finish(coroutine, waits_for))

    async def _finish(self, coroutine: Generator[Any, Any, None], waits_for: Any) -> None:
        try:
            await _resumed(coroutine, waits_for)
            while self._backlog:
                payloads = list(self._backlog.values())
                self._backlog.clear()
                self._replaceable.clear()
                self._bytes = 0
                for payload in self._join(payloads):
                    await self._send(self._wrap(payload))
        except Exception:
            self._end(slow=False)
        finally:
            self._task = None

    def _drop(self, number: int | None) -> None:
        if number is not None and number in self._backlog:
            self._bytes -= len(self._backlog.pop(number))

    def _end(self, *, slow: bool) -> None:
        if not self.closed:
            self.close()
            self._on_end(slow)


@types.coroutine
def _resumed(coroutine: Generator[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that was stepped by hand and waits for something."""
    while True:
        try:
            value = yield waits_for
        except BaseException as error:
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, value)
        try:
            waits_for = step()
        except StopIteration:
            return
