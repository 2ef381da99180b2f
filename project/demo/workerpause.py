"""A pause of the worker in this process, so that a visitor sees what happens to jobs meanwhile."""

from __future__ import annotations

import time
from threading import Lock, Timer

import dramatiq
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker

#: Seconds after which a worker goes on by itself: no visitor leaves it paused.
LONGEST = 60.0
#: Seconds in which the threads that are idle have noticed.
_NOTICE = 0.5


class NoWorkerError(Exception):
    """This process runs no jobs, so that there is nothing to pause."""


class WorkerPause(Middleware):
    """Has the worker threads take up no job for a while; those that run go on.

    Dramatiq tells it which worker runs here: one that is embedded in a web process, or none.
    """

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._lock = Lock()
        self._worker: Worker | None = None
        self._timer: Timer | None = None
        self._ends = 0.0

    def after_worker_boot(self, broker: dramatiq.Broker, worker: Worker) -> None:
        with self._lock:
            self._worker = worker

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: Worker) -> None:
        with self._lock:
            self._go_on()
            self._worker = None

    @property
    def possible(self) -> bool:
        """Whether there is a worker here."""
        return self._worker is not None

    @property
    def left(self) -> float | None:
        """Seconds until the worker goes on by itself; None while it is not paused."""
        with self._lock:
            return max(0.0, self._ends - time.monotonic()) if self._timer else None

    def set(self, *, paused: bool) -> None:
        """``pause`` or ``resume``; raises ``NoWorkerError``."""
        if not self.possible:
            raise NoWorkerError
        if paused:
            self.pause()
        else:
            self.resume()

    def pause(self) -> None:
        """Take up no job until ``resume``, ``longest`` seconds at most; again, from now.

        Raises ``NoWorkerError``.
        """
        with self._lock:
            if self._worker is None:
                raise NoWorkerError
            self._go_on()
            # Not Worker.pause: that waits for the jobs that run. Its consumers go on as well: they
            # would take seconds to come back, and only fill the queue in memory.
            for thread in self._worker.workers:
                thread.pause()
            self._ends = time.monotonic() + self._longest
            self._timer = Timer(self._longest, self._time_out)
            self._timer.daemon = True
            self._timer.start()
            until = time.monotonic() + _NOTICE
            for thread in self._worker.workers:
                thread.paused_event.wait(max(0.0, until - time.monotonic()))

    def resume(self) -> None:
        """Take up jobs again; does nothing where that is so."""
        with self._lock:
            self._go_on()

    def _time_out(self) -> None:
        with self._lock:
            if time.monotonic() >= self._ends:  # Else it was paused anew as this began.
                self._go_on()

    def _go_on(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        if self._worker is not None:
            for thread in self._worker.workers:
                thread.resume()


worker_pause = WorkerPause()
