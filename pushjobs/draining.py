"""A graceful stop: the process accepts no more, its streams are told to go, and then it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from types import FrameType
from typing import Any

from pushjobs.conf import settings
from pushjobs.hub import get_hub
from pushjobs.transports.connections import connections

logger = logging.getLogger(__name__)

_LAST_WAIT = 5.0

_calls: set[asyncio.Task[Any]] = set()


async def drain(window: float | None = None) -> None:
    """Tell all streams to go, spread over ``DRAIN_WINDOW``, and stop once all is answered.

    ``window`` is another one, in seconds. Some seconds after it whatever is still under way stops.
    """
    window = settings.DRAIN_WINDOW if window is None else window
    await connections.drain(window, _LAST_WAIT)
    if _calls:
        await asyncio.wait(set(_calls), timeout=_LAST_WAIT)
    await get_hub().stop()


def parting(application: Any) -> Any:
    """An ASGI application whose calls a drain waits for.

    Once the process drains, it keeps no connection: whoever kept one open, such as a proxy, would
    send on it what no one reads any more.
    """

    @wraps(application)
    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, send)
            return
        # Only HTTP/1 has the header (RFC 9113, section 8.2.2).
        says_close = scope["type"] == "http" and scope["http_version"].startswith("1")

        def send_parting(message: Any) -> Awaitable[None]:
            if connections.draining and message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = message | {"headers": headers}
            return send(message)  # type: ignore[no-any-return]

        call = asyncio.current_task()
        assert call is not None
        _calls.add(call)
        try:
            await application(scope, receive, send_parting if says_close else send)
        finally:
            _calls.discard(call)

    return wrapped


def precede_uvicorn(stop: Callable[[], Awaitable[None]]) -> None:
    """See to it that ``stop`` is run between a signal and uvicorn's own stop.

    uvicorn tells an application that it ends when all connections have closed, and until then
    waits for streams that no one has told to go; and it closes WebSockets itself, all at once, with
    a code of its own. Does nothing under another server.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if _is_uvicorn(server) and threading.current_thread() is threading.main_thread():
        preceding = _Preceding(server, stop)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, preceding)


class _Preceding:
    """The handler of signals in front of uvicorn's. A second SIGINT ends the wait, as uvicorn's.

    A second SIGTERM does not: a process group, and the supervisor in it, may each send one.
    """

    def __init__(self, server: Any, stop: Callable[[], Awaitable[None]]) -> None:
        self._server = server
        self._stop_first = stop
        self._home = asyncio.get_running_loop()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = connections.draining = True
            self._home.call_soon_threadsafe(self._begin, number)
        elif number == signal.SIGINT:
            self._server.handle_exit(number, frame)
            self._server.force_exit = True

    def _begin(self, number: int) -> None:
        self._task = self._home.create_task(self._stop(number))

    async def _stop(self, number: int) -> None:
        # There are none before the application has started.
        for listener in getattr(self._server, "servers", ()):
            listener.close()
        try:
            await self._stop_first()
        except Exception:
            logger.exception("the drain failed")
        finally:
            self._server.handle_exit(number, None)


def _is_uvicorn(server: Any) -> bool:
    module = sys.modules.get("uvicorn.server")
    return module is not None and isinstance(server, module.Server)
