"""The attempts that run in this process, and how each is interrupted."""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dramatiq.middleware import Interrupt, TimeLimitExceeded, raise_thread_exception
from dramatiq.middleware.shutdown import Shutdown

from pushjobs.context import Run
from pushjobs.models import Job

__all__ = ["Attempt", "CancelInterrupt", "Interrupt", "Shutdown", "TimeLimitExceeded", "running"]


class CancelInterrupt(Interrupt):
    """Raised in the thread of a handler that has not looked whether it is to stop."""


def _new_worker_id() -> str:
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


class Attempt:
    """One attempt in the thread that runs it.

    It can be interrupted only while its handler runs, so that no interrupt falls into the
    statements that end the job; and once only.
    """

    def __init__(self, job: Job, run: Run) -> None:
        self.job = job
        self.run = run
        self.deadline = time.monotonic() + job.time_limit
        self.cancel_seen: float | None = None
        self.interrupted_at: float | None = None
        self.reason: type[Interrupt] | None = None
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._armed = False

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """While inside, ``interrupt`` raises in this thread."""
        self._armed = True
        try:
            yield
        finally:
            with self._lock:
                self._armed = False
                if self.reason is not None:
                    _clear_interrupt(self._thread)

    @property
    def in_handler(self) -> bool:
        """Whether its handler runs, and it has not begun to end the job."""
        return self._armed

    def interrupt(self, reason: type[Interrupt]) -> None:
        """Raise ``reason`` in the handler's thread, at its next step of Python code."""
        with self._lock:
            if self._armed and self.reason is None:
                self.reason = reason
                self.interrupted_at = time.monotonic()
                raise_thread_exception(self._thread, reason)  # type: ignore[no-untyped-call]


def _clear_interrupt(thread: int) -> None:
    """Take back an exception that was set for a thread and that it has not met yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)


class Running:
    """The attempts of this process. ``worker`` names the process in leases."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: set[Attempt] = set()
        self._claiming: set[int] = set()
        self._worker = ""
        self._pid = 0
        #: Whether the process's worker has been told to stop.
        self.stopping = False

    @property
    def worker(self) -> str:
        """This process's name, another one after a fork."""
        if self._pid != os.getpid():
            self._pid, self._worker = os.getpid(), _new_worker_id()
        return self._worker

    @property
    def idle(self) -> bool:
        """Whether no attempt runs here, nor is about to."""
        with self._lock:
            return not (self._attempts or self._claiming)

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """While inside, this thread may claim a job, and ``enter`` with it."""
        thread = threading.get_ident()
        with self._lock:
            self._claiming.add(thread)
        try:
            yield
        finally:
            with self._lock:
                self._claiming.discard(thread)

    @contextmanager
    def entered(self, job: Job, run: Run) -> Iterator[Attempt]:
        """Count an attempt among the running ones."""
        attempt = Attempt(job, run)
        with self._lock:
            self._attempts.add(attempt)
            self._claiming.discard(threading.get_ident())
        try:
            yield attempt
        finally:
            self.drop(attempt)

    def drop(self, attempt: Attempt) -> None:
        """No longer count an attempt: it has ended, or was settled while its thread is stuck."""
        with self._lock:
            self._attempts.discard(attempt)

    def attempts(self) -> list[Attempt]:
        with self._lock:
            return list(self._attempts)


running = Running()
