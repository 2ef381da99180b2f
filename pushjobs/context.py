"""``Run``: what a handler is handed, to say how far it is and to learn that it is to stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from pushjobs import plain
from pushjobs.conf import settings
from pushjobs.events import EventType
from pushjobs.exceptions import Cancelled, Superseded
from pushjobs.gauge import Gauge, reading
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
        self._gauge = Gauge(job.event(EventType.PROGRESS, {}))
        self._word = job.event(EventType.OUTPUT, {})
        self._cancel = self._superseded = False
        #: Whether either of these, so that an inner loop has one thing to look at.
        self._stopping = False
        self._emitted = 0
        #: Whether the handler has looked at ``cancelled`` and found it true.
        self.noticed = False
        #: Whether the handler has begun what may not be done twice. From then on a worker that
        #: stops fails the job, instead of giving it back to the queue.
        self.unrepeatable = False

    @property
    def job_id(self) -> UUID:
        return self._job.id

    @property
    def attempt(self) -> int:
        """Which run of the job this is, from 1."""
        return self._attempt

    @property
    def max_attempts(self) -> int:
        """How many attempts the job may have."""
        return self._job.max_attempts

    @property
    def owner(self) -> Any:
        """The user who submitted the job, or None."""
        return self._job.owner

    @property
    def owner_id(self) -> Any:
        return self._job.owner_id

    def know_owner(self, user: Any) -> None:
        """Spare the query for ``owner``, which on an event loop may not be made."""
        if user is not None and user.pk == self.owner_id:
            self._job.owner = user

    @property
    def latest(self) -> dict[str, Any] | None:
        """The newest progress, for the job's row."""
        return self._gauge.data()

    @property
    def cancelled(self) -> bool:
        """Whether the job is to stop. A handler that sees it and returns has been cancelled."""
        if self._cancel:
            self.noticed = True
            return True
        return False

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Tell that ``done`` of ``total`` is done, in any unit; cheap enough for an inner loop.

        Most calls only store what they are given: the newest is told once ``PROGRESS_INTERVAL`` has
        passed, or when the job ends. Raises ``Cancelled`` when the job is to stop, ``TypeError`` or
        ``ValueError`` where a number is none.
        """
        if self._stopping:
            self._stop()
        # What is of these types cannot be wrong, and is looked at when it is told.
        if not (
            (type(done) is int or type(done) is float)
            and (total is None or type(total) is int or type(total) is float)
            and (message is None or type(message) is str)
        ):
            done, total, message = reading(done, total, message)
        gauge = self._gauge
        gauge.newest = (done, total, message)
        if not gauge.awaited:
            self._publisher.progress(gauge, self._channels)

    def track(
        self, items: Iterable[T], total: float | None = None, message: str | None = None
    ) -> Iterator[T]:
        """Yield ``items`` and tell progress after each. Raises ``Cancelled`` when to stop."""
        if total is None and isinstance(items, Sized):
            total = len(items)
        done, total, message = reading(0, total, message)
        self.progress(done, total, message)
        gauge = self._gauge
        for done, item in enumerate(items, start=1):
            yield item
            if self._stopping:  # As in ``progress``, whose call would cost as much again.
                self._stop()
            gauge.newest = (done, total, message)
            if not gauge.awaited:
                self._publisher.progress(gauge, self._channels)

    def emit(self, chunk: str, stream: str = "output") -> None:
        """Send text to whoever follows the job, as it is produced.

        ``MAX_OUTPUT`` characters are passed on per attempt; the rest is left out, and said so.
        """
        if self._superseded:
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
            word = self._word.saying(datetime.now(UTC), data)
            self._publisher.output(word, self._channels)

    def request_cancel(self) -> None:
        """Called by the heartbeat."""
        self._cancel = self._stopping = True

    def supersede(self) -> None:
        """Called when the attempt no longer counts: nothing it says is passed on."""
        self._superseded = self._stopping = True
        self._publisher.silence(str(self._job.id), self._attempt)

    def _stop(self) -> NoReturn:
        raise Superseded() if self._superseded else Cancelled()


class NoRun(Run):
    """Stands in for a ``Run`` where no job runs: takes the same, and tells no one.

    Its ``job_id`` is the nil UUID (RFC 9562, section 5.9) and its ``attempt`` 0.
    """

    def __init__(self, owner: Any = None) -> None:
        self._owner = owner if owner is not None and owner.is_authenticated else None
        self._attempt = 0
        self._cancel = self._superseded = self._stopping = self.noticed = False
        self.unrepeatable = False

    @property
    def job_id(self) -> UUID:
        return UUID(int=0)

    @property
    def max_attempts(self) -> int:
        return 1

    @property
    def owner(self) -> Any:
        return self._owner

    @property
    def owner_id(self) -> Any:
        return self._owner.pk if self._owner is not None else None

    @property
    def latest(self) -> dict[str, Any] | None:
        return None

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        reading(done, total, message)

    def track(
        self, items: Iterable[T], total: float | None = None, message: str | None = None
    ) -> Iterator[T]:
        reading(0, total, message)
        yield from items

    def emit(self, chunk: str, stream: str = "output") -> None:
        """Say nothing."""

    def supersede(self) -> None:
        """Nothing is said that could be held back."""
