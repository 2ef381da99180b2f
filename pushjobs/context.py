"""``Run``: what a handler is handed, to say how far it is and to learn that it is to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar
from uuid import UUID

from pushjobs import plain
from pushjobs.conf import settings
from pushjobs.events import EventType
from pushjobs.exceptions import Cancelled, Superseded
from pushjobs.models import Job
from pushjobs.publisher import Publisher
from pushjobs.voice import CHUNK

T = TypeVar("T")

_CUT = "\n… output over the limit is left out\n"


class Run:
    """One attempt of a job, as its handler sees it. Safe to use from several threads."""

    def __init__(self, job: Job, publisher: Publisher) -> None:
        self._job = job
        self._publisher = publisher
        self._channels = job.channels()
        self._attempt = job.attempt
        self._cancel = threading.Event()
        self._superseded = threading.Event()
        self._emitted = 0
        #: Whether the handler has looked at ``cancelled`` and found it true.
        self.noticed = False
        #: The newest progress, for the job's row.
        self.latest: dict[str, Any] | None = None

    @property
    def job_id(self) -> UUID:
        return self._job.id

    @property
    def attempt(self) -> int:
        """Which run of the job this is, from 1."""
        return self._attempt

    @property
    def owner(self) -> Any:
        """The user who submitted the job, or None."""
        return self._job.owner

    @property
    def cancelled(self) -> bool:
        """Whether the job is to stop. A handler that sees it and returns has been cancelled."""
        if self._cancel.is_set():
            self.noticed = True
            return True
        return False

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Tell that ``done`` of ``total`` is done, in any unit; cheap enough for an inner loop.

        Raises ``Cancelled`` when the job is to stop.
        """
        self._check()
        done, total = plain.number(done) or 0, plain.number(total)
        percent = round(100 * min(max(done / total, 0), 1), 1) if total else None
        text = None if message is None else plain.text(message)
        self.latest = {"done": done, "total": total, "percent": percent, "message": text}
        event = self._job.event(EventType.PROGRESS, self.latest)
        self._publisher.progress(event, self._channels)

    def track(
        self, items: Iterable[T], total: float | None = None, message: str | None = None
    ) -> Iterator[T]:
        """Yield ``items`` and tell progress after each. Raises ``Cancelled`` when to stop."""
        if total is None and isinstance(items, Sized):
            total = len(items)
        done = 0
        self.progress(done, total, message)
        for done, item in enumerate(items, start=1):
            yield item
            self.progress(done, total, message)

    def emit(self, chunk: str, stream: str = "output") -> None:
        """Send text to whoever follows the job, as it is produced.

        ``MAX_OUTPUT`` characters are passed on per attempt; the rest is left out, and said so.
        """
        if self._superseded.is_set():
            raise Superseded()
        room = settings.MAX_OUTPUT - self._emitted
        if room < 0 or not chunk:
            return
        self._emitted += len(chunk)
        chunk = plain.text(chunk)
        if len(chunk) > room:
            chunk = chunk[:room] + _CUT
        for start in range(0, len(chunk), CHUNK):
            data = {"stream": stream, "chunk": chunk[start : start + CHUNK]}
            self._publisher.output(self._job.event(EventType.OUTPUT, data), self._channels)

    def request_cancel(self) -> None:
        """Called by the heartbeat."""
        self._cancel.set()

    def supersede(self) -> None:
        """Called when the attempt no longer counts: nothing it says is passed on."""
        self._superseded.set()
        self._publisher.silence(str(self._job.id), self._attempt)

    def _check(self) -> None:
        if self._superseded.is_set():
            raise Superseded()
        if self._cancel.is_set():
            raise Cancelled()
