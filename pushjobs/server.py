"""The server of ``manage.py serve``: Daphne beside an embedded worker."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import daphne.server  # noqa: F401  # Puts the reactor on asyncio, so it comes before the reactor.
from django.core.exceptions import ImproperlyConfigured
from twisted.internet import reactor

from pushjobs import daphnelifespan
from pushjobs.conf import settings
from pushjobs.draining import drain
from pushjobs.embedded import EmbeddedWorker
from pushjobs.flowserver import FlowServer
from pushjobs.transports.connections import connections

logger = logging.getLogger(__name__)

_BACKLOG = 4096
_PROXY_HEADERS = {
    "proxy_forwarded_address_header": "X-Forwarded-For",
    "proxy_forwarded_port_header": "X-Forwarded-Port",
    "proxy_forwarded_proto_header": "X-Forwarded-Proto",
}


class EmbeddedServer:
    """Serves an ASGI application and runs its jobs until SIGINT or SIGTERM.

    With ``proxy_headers`` the peer's address, port and scheme are what ``X-Forwarded-For``,
    ``-Port`` and ``-Proto`` say, whoever sends them.
    """

    def __init__(
        self,
        application: Any,
        *,
        host: str,
        port: int,
        threads: int,
        on_listening: Callable[[], None],
        on_stopping: Callable[[], None],
        proxy_headers: bool = False,
    ) -> None:
        self._loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop  # noqa: SLF001
        self._worker = EmbeddedWorker(threads)
        self._on_stopping = on_stopping
        self._server = FlowServer(
            application,
            endpoints=[f"tcp:port={port}:interface={host}:backlog={_BACKLOG}"],
            signal_handlers=False,
            ready_callable=lambda: self._loop.call_soon(self._start),
            server_name="pushjobs",
            on_listening=on_listening,
            websocket_max_frame_size=4 * settings.MAX_FRAME,
            websocket_max_message_size=4 * settings.MAX_FRAME,
            **(_PROXY_HEADERS if proxy_headers else {}),
        )
        self._stopping: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Serve until a signal, then stop cleanly. Raises ``ImproperlyConfigured``."""
        daphnelifespan.unfollow()
        self._worker.prepare()
        _raise_file_limit()
        self._server.run()
        self._worker.abandon()
        if self._server.error:
            raise ImproperlyConfigured(f"the server cannot listen: {self._server.error}")

    def _start(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._on_signal)
        self._worker.start()

    def _on_signal(self) -> None:
        if self._stopping is not None:
            logger.warning("stopping at once; what runs is taken up at the next start")
            self._server.stop()
        else:
            self._stopping = self._loop.create_task(self._stop())

    async def _stop(self) -> None:
        self._on_stopping()
        connections.draining = True
        await self._server.stop_listening()
        await self._worker.stop()
        await drain()
        self._server.stop()


def _raise_file_limit() -> None:
    """Each client takes a file descriptor: allow as many as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
