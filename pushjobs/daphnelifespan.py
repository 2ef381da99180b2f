"""A web process under Daphne, which knows no lifespan: it lives as long as Twisted's reactor runs.

So with ``EMBEDDED_THREADS`` jobs run under ``manage.py runserver`` and the ``daphne`` command too.
The reactor runs in the process that serves and in no other: neither in the one that starts it anew
when code has changed, nor in that of any other command.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from pushjobs.lifespan import WebProcess

logger = logging.getLogger(__name__)

#: Seconds that a process which is to start anew waits for its worker.
_PATIENCE = 15.0

_followed = True


def follow() -> None:
    """See to it that the process starts and stops with Daphne, should it come to serve here."""
    if "daphne.server" not in sys.modules:
        return
    # Daphne has installed it; its type depends on the platform.
    from twisted.internet import reactor

    reactor.callWhenRunning(_begin, reactor)


def unfollow() -> None:
    """For a server that looks after its process itself."""
    global _followed
    _followed = False


def _begin(reactor: Any) -> None:
    if _followed:
        DaphneLifespan(reactor).begin()


class DaphneLifespan:
    """Starts a web process with the reactor, and stops it with that or with the main thread."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._home: asyncio.AbstractEventLoop = reactor._asyncioEventloop  # noqa: SLF001
        self._process = WebProcess()
        self._starting = self._home.create_task(self._start())

    def begin(self) -> None:
        from twisted.internet.defer import Deferred

        def stop() -> Any:
            stopping = self._home.create_task(self._stop(self._process.stop))
            return Deferred.fromFuture(stopping)

        self._reactor.addSystemEventTrigger("before", "shutdown", stop)
        if threading.current_thread() is not threading.main_thread():
            # Django's reloader has the main thread, and ends it when code has changed. Once that is
            # done, pools of threads take no more work, and no request could be answered.
            before_the_end: Any = threading._register_atexit  # type: ignore[attr-defined]  # noqa: SLF001
            before_the_end(self._stop_with_main_thread)

    async def _start(self) -> bool:
        """Whether it starts. If not, the server goes on, and says why it runs no jobs."""
        try:
            await self._process.start()
        except (ImproperlyConfigured, DatabaseError) as error:
            logger.critical("this server runs no jobs: %s", error)
        except Exception:
            logger.exception("this server runs no jobs")
        else:
            return True
        return False

    async def _halt(self) -> None:
        try:
            await self._stop(self._process.halt)
        finally:
            # What else comes, and there is no time for, is better cut off than answered wrongly.
            self._home.set_exception_handler(lambda *_: None)
            self._reactor.disconnectAll()

    async def _stop(self, stop: Callable[[], Awaitable[None]]) -> None:
        if await self._starting:
            await stop()

    def _stop_with_main_thread(self) -> None:
        if not self._home.is_running():
            return
        halting = asyncio.run_coroutine_threadsafe(self._halt(), self._home)
        try:
            halting.result(_PATIENCE)
        except Exception:
            logger.exception("the worker did not stop; what it ran is taken up at the next start")
