"""ASGI's lifespan protocol: what a web process starts with its server, and how it stops."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured

from pushjobs import heap, loop
from pushjobs.conf import settings
from pushjobs.draining import drain, precede_uvicorn
from pushjobs.embedded import EmbeddedWorker
from pushjobs.transports.connections import connections

logger = logging.getLogger(__name__)


class WebProcess:
    """A process that serves: with an embedded worker of ``EMBEDDED_THREADS`` threads, if any."""

    def __init__(self) -> None:
        threads = settings.EMBEDDED_THREADS
        self._worker = EmbeddedWorker(threads) if threads else None
        self._stopping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run jobs where it is to; raises ``ImproperlyConfigured``."""
        loop.bind(asyncio.get_running_loop())
        connections.draining = False  # An earlier lifespan of this process has drained.
        if self._worker is not None:
            await sync_to_async(self._worker.prepare)()
            self._worker.start()
        precede_uvicorn(self.stop)
        heap.freeze()

    async def stop(self) -> None:
        """Let jobs end, then streams; a second call waits for the first one."""
        if self._stopping is None:
            self._stopping = asyncio.get_running_loop().create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def halt(self) -> None:
        """Stop without a grace: running jobs go back to the queue, streams are told at once."""
        if self._worker is not None:
            await self._worker.stop(grace=0)
        await drain(window=0)

    async def _stop(self) -> None:
        if self._worker is not None:
            await self._worker.stop()
        await drain()


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Start and stop the process with the server."""
    process = WebProcess()
    while True:
        kind = (await receive())["type"]
        if kind == "lifespan.startup":
            try:
                await process.start()
            except Exception as error:
                # A server that sees it raised takes it that there is no lifespan, and serves.
                if not isinstance(error, ImproperlyConfigured):
                    logger.exception("the process cannot start")
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        else:
            await process.stop()
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
