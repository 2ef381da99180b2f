"""The embedded worker: the threads that run jobs, in the process and on the loop of the server."""

from __future__ import annotations

import asyncio
import fcntl
import logging
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

import dramatiq
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.worker import Worker

from pushjobs import loop, relay
from pushjobs.conf import settings
from pushjobs.hub import get_hub
from pushjobs.worker import services_of

logger = logging.getLogger(__name__)

_STOP_MARGIN = 10.0
_IDLE_CHECK = 200  # milliseconds after which an idle worker thread looks whether it is to stop


class EmbeddedWorker:
    """Worker threads, relay and heartbeat beside a server, for a set-up of one process."""

    def __init__(self, threads: int) -> None:
        self._worker = Worker(
            dramatiq.get_broker(), worker_threads=threads, worker_timeout=_IDLE_CHECK
        )
        self._lock: IO[str] | None = None

    def prepare(self) -> None:
        """Take up what an earlier process left; ``ImproperlyConfigured`` if it still runs."""
        self._lock = _lock_database()
        if self._lock is None:
            return  # Others may run jobs from this database: their leases tell whether they live.
        try:
            taken = relay.recover()
        except BaseException:
            self._lock.close()
            raise
        if taken:
            logger.info("took back %d job(s) that were running when the process ended", taken)

    def start(self) -> None:
        """Run jobs; call it on the server's event loop."""
        loop.bind(asyncio.get_running_loop())
        get_hub().start()
        self._worker.start()

    async def stop(self, grace: float | None = None) -> None:
        """Give running jobs their grace, then the rest back to the queue.

        ``grace`` is in seconds, by default ``SHUTDOWN_GRACE``.
        """
        grace = settings.SHUTDOWN_GRACE if grace is None else grace
        logger.info("stopping; running jobs have %g seconds", grace)
        services_of(dramatiq.get_broker()).grace = grace
        timeout = int(1000 * (grace + _STOP_MARGIN))
        running, stopped = asyncio.get_running_loop(), asyncio.Event()

        def stop_threads() -> None:
            try:
                self._worker.stop(timeout)
            finally:
                with suppress(RuntimeError):  # A second signal has ended the loop.
                    running.call_soon_threadsafe(stopped.set)

        # Not in the loop's executor, which is waited for even after a second signal.
        Thread(target=stop_threads, name="pushjobs-stop", daemon=True).start()
        try:
            await stopped.wait()
        except asyncio.CancelledError:
            self.abandon()
            raise
        if self._lock is not None:
            self._lock.close()

    def abandon(self) -> None:
        """Let the process end, whatever jobs it runs; does nothing after ``stop``."""
        events = get_event_loop_thread()
        if events is not None:
            with suppress(RuntimeError):  # It has ended.
                events.loop.call_soon_threadsafe(events.loop.stop)


def _lock_database() -> IO[str] | None:
    """Make sure that no other embedded worker uses the SQLite database; held until the end."""
    if connection.vendor != "sqlite":
        return None
    path = Path(str(connection.settings_dict["NAME"]) + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise ImproperlyConfigured(
            f"another server runs jobs from {path.with_suffix('')} already; one process may"
        ) from None
    return handle
