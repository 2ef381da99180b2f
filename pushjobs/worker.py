"""What a worker process runs beside its threads: heartbeat, relay, and a clean stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import dramatiq
from django_dramatiq.middleware import DbConnectionsMiddleware
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import AsyncIO, CurrentMessage, Middleware

from pushjobs import execution, heap, loop
from pushjobs.announcements import get_announcements
from pushjobs.broker import attended, in_memory
from pushjobs.conf import settings
from pushjobs.heartbeat import Heartbeat
from pushjobs.loopthread import LoopThread
from pushjobs.publisher import get_publisher
from pushjobs.relay import Relay
from pushjobs.running import Shutdown, running

logger = logging.getLogger(__name__)

#: Seconds that an interrupted handler has to end before its job is given back without it.
_LAST_GRACE = 3.0
_FLUSH = 5.0
#: Seconds for the notes of what was announced; what is not noted is merely announced again.
_NOTING = 1.0


def equip(broker: dramatiq.Broker) -> None:
    """Give a broker what jobs need: async handlers, working connections, a worker's services."""
    for kind in (AsyncIO, DbConnectionsMiddleware, CurrentMessage, WorkerServices):
        if not any(isinstance(middleware, kind) for middleware in broker.middleware):
            broker.add_middleware(kind())


def services_of(broker: dramatiq.Broker) -> WorkerServices:
    """What an equipped broker's workers start and stop with."""
    return next(item for item in broker.middleware if isinstance(item, WorkerServices))


class WorkerServices(Middleware):
    """Starts with the worker and stops with it.

    On a stop running jobs have ``SHUTDOWN_GRACE`` seconds; then they go back to the queue at once,
    and not when their leases run out. ``grace`` stands in for it where it is set before the stop.
    """

    def __init__(self) -> None:
        self.grace: float | None = None
        self._threads: list[LoopThread] = []
        self._giving_back: threading.Thread | None = None

    def after_worker_boot(self, broker: dramatiq.Broker, worker: Any) -> None:
        _heed_one_stop()
        running.stopping = False
        events = get_event_loop_thread()
        if not loop.is_bound() and events is not None:
            loop.bind(events.loop)
        self._threads = [Heartbeat(running).thread()]
        # A broker in memory can be given a job from nowhere else.
        if settings.RELAY_IN_WORKERS or in_memory():
            self._threads.extend(Relay().threads())
        for thread in self._threads:
            thread.start()
        attended.set()
        heap.freeze()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: Any) -> None:
        # What is given back, this process does not take up again: its worker threads have yet to be
        # told to stop, and one that waits for a message takes it even then.
        running.stopping = True
        attended.clear()
        self._giving_back = threading.Thread(
            target=give_back, args=(self.grace,), name="pushjobs-shutdown", daemon=True
        )
        self._giving_back.start()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: Any) -> None:
        if self._giving_back is not None:
            self._giving_back.join()
        for thread in self._threads:
            thread.stop()
        if not get_publisher().flush(_FLUSH):
            logger.warning("not all events were published; a relay announces what was lost")
        get_announcements().flush(_NOTING)


class _OneStop:
    """Dramatiq's handler of signals, called for the first one only.

    At the second it ends the main thread, while its event loop and its worker threads live on: the
    process would work for ever, and give nothing back. A supervisor that signals a whole process
    group sends two, its own and the one that Dramatiq's main process passes on.
    """

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._stopping = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            with suppress(SystemExit):  # The first one may have come before this handler.
                self._handler(number, frame)


def _heed_one_stop() -> None:
    """Stop once, however many signals come; leaves the handlers of any but Dramatiq's alone."""
    handler = signal.getsignal(signal.SIGTERM)
    if _is_dramatiqs(handler) and threading.current_thread() is threading.main_thread():
        one_stop = _OneStop(handler)
        for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
            signal.signal(number, one_stop)


def _is_dramatiqs(handler: Any) -> bool:
    module = sys.modules.get("dramatiq.cli")
    return module is not None and getattr(handler, "__module__", None) == module.__name__


def give_back(grace: float | None = None) -> None:
    """Wait for the running jobs, and give back to the queue those that do not end in time.

    ``grace`` is how many seconds they have, by default ``SHUTDOWN_GRACE``.
    """
    _wait(settings.SHUTDOWN_GRACE if grace is None else grace)
    _wait(_LAST_GRACE, _interrupt_all)
    for attempt in running.attempts():
        execution.settle(attempt)


def _interrupt_all() -> None:
    """Interrupt each attempt once, and at the next call those that have begun only then."""
    for attempt in running.attempts():
        attempt.interrupt(Shutdown)


def _wait(seconds: float, step: Callable[[], None] = lambda: None) -> None:
    """Wait until no job runs here, for so many seconds at most; do ``step`` every now and then."""
    deadline = time.monotonic() + seconds
    while not running.idle and time.monotonic() < deadline:
        step()
        time.sleep(0.05)
