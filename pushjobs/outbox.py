"""What one client has yet to be sent: written at once where it can be, bounded where it cannot.

A payload goes to the connection's writer in the publisher's own step, without a task switch. Only
once the writer is paused (the client reads too slowly) does a task wait for it, and what comes
meanwhile waits in a backlog. There, a job's newest progress takes the place of the one before. A
backlog over its bound ends the connection, so that a slow reader costs only itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from pushjobs.burst import Burst, Form
from pushjobs.cohort import Line
from pushjobs.conf import settings
from pushjobs.writer import Writer


class Outbox:
    """Writes payloads in order; calls ``on_end`` once, with True when the client is too slow."""

    __slots__ = (
        "_backlog",
        "_bytes",
        "_number",
        "_on_end",
        "_replaceable",
        "_task",
        "_writer",
        "closed",
    )

    def __init__(self, writer: Writer, on_end: Callable[[bool], None]) -> None:
        self._writer = writer
        self._on_end = on_end
        self._backlog: dict[int, bytes] = {}
        self._bytes = 0
        self._number = 0
        self._replaceable: dict[Hashable, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    def put(self, payload: bytes, replaces: Hashable = None) -> None:
        """Send a payload, after all before it; ``replaces`` names what it makes out of date."""
        if self.closed:
            return
        if self._task is None:
            self._write(self._writer.frame, (payload,))
        else:
            self._keep(payload, replaces)

    def put_all(self, items: Sequence[tuple[bytes, Hashable]]) -> None:
        """As ``put`` for each payload and what it replaces, in one write where that can be."""
        if self.closed:
            return
        if self._task is None:
            self._write(self._writer.frame, [payload for payload, _ in items])
        else:
            for payload, replaces in items:
                self._keep(payload, replaces)

    def deliver(self, burst: Burst, form: Form) -> None:
        """Send a burst's entries, each in the given form."""
        if self.closed:
            return
        if self._task is None:
            self._write(burst.framed, self._writer, form)
        else:
            for entry in burst.entries:
                self._keep(form(entry), entry.replaces)

    def line(self, form: Form) -> Line | None:
        """The connection, where bursts may be written to it past this outbox for now.

        Until the writer's ``on_stop`` is called: then what comes next is to be delivered here.
        """
        ready = self._task is None and not (self.closed or self._writer.paused)
        return Line(self._writer, form) if ready else None

    async def drained(self) -> None:
        """Wait until all that was put is with the server, or the connection has ended."""
        self.mind_pause()  # What has paused it may have been written past this outbox.
        while self._task is not None and not self.closed:
            await asyncio.wait([self._task])

    def close(self) -> None:
        """Send nothing more."""
        self.closed = True
        self._backlog.clear()
        if self._task is not None:
            self._task.cancel()

    def hang_up(self) -> None:
        """Send nothing more, and do not wait for a client that reads nothing."""
        self.close()
        self._writer.hang_up()

    def _write(self, frame: Callable[..., Any], *what: Any) -> None:
        try:
            self._writer.write(frame(*what))
        except Exception:
            self._end(slow=False)
            return
        self.mind_pause()

    def mind_pause(self) -> None:
        """Wait for the writer, where it is paused: what has paused it may have gone past here."""
        if self._writer.paused and self._task is None and not self.closed:
            self._task = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        writer = self._writer
        try:
            await writer.drain()
            while self._backlog:
                payloads = list(self._backlog.values())
                self._backlog.clear()
                self._replaceable.clear()
                self._bytes = 0
                writer.write(writer.frame(payloads))
                await writer.drain()
        except (Exception, asyncio.CancelledError):  # A server may cancel its own send.
            self._end(slow=False)
        finally:
            self._task = None

    def _keep(self, payload: bytes, replaces: Hashable) -> None:
        if replaces is not None:
            replaced = self._replaceable.get(replaces)
            if replaced is not None:
                self._bytes -= len(self._backlog.pop(replaced))
        self._number += 1
        self._backlog[self._number] = payload
        self._bytes += len(payload)
        if replaces is not None:
            self._replaceable[replaces] = self._number
        if len(self._backlog) > settings.BACKLOG_EVENTS or self._bytes > settings.BACKLOG_BYTES:
            self._end(slow=True)

    def _end(self, *, slow: bool) -> None:
        if not self.closed:
            self.close()
            self._on_end(slow)
