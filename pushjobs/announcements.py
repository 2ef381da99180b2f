"""Notes in the database which status changes were published, many together."""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import Error

from pushjobs.models import Job
from pushjobs.queries import JobQuerySet

logger = logging.getLogger(__name__)

_BATCH = 200
#: Seconds that a note waits for others to be written with; far less than ``ANNOUNCE_AFTER``.
_GATHER = 0.1


class Announcements:
    """Collects versions while a write is under way, and writes them with the next.

    What it fails to note is merely published again, and refused by the log.
    """

    def __init__(self) -> None:
        self._versions: dict[UUID, int] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, job_id: UUID, version: int) -> None:
        """Called on the event loop."""
        self._versions[job_id] = max(version, self._versions.get(job_id, 0))
        running = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not running:
            self._task = running.create_task(self._write())

    async def settled(self) -> None:
        """Wait until all that was noted is written."""
        if self._task is not None:
            await asyncio.shield(self._task)

    def flush(self, timeout: float) -> bool:
        """Wait for the same in a thread; false if ``timeout`` seconds were not enough."""
        task = self._task
        if task is None or task.done():
            return True
        home = task.get_loop()
        if not home.is_running():
            return False
        settled = asyncio.run_coroutine_threadsafe(self.settled(), home)
        try:
            settled.result(timeout)
        except TimeoutError:
            settled.cancel()
            return False
        return True

    async def _write(self) -> None:
        while self._versions:
            await asyncio.sleep(_GATHER)
            keys = list(self._versions)[:_BATCH]
            versions = {key: self._versions.pop(key) for key in keys}
            try:
                await _mark(versions)
            except Error:
                logger.warning("could not note what was announced", exc_info=True)


@lru_cache(maxsize=1)
def get_announcements() -> Announcements:
    """This process's notes."""
    return Announcements()


def _mark_announced(versions: dict[UUID, int]) -> None:
    JobQuerySet(Job).mark_announced(versions)


_mark = database_sync_to_async(_mark_announced, thread_sensitive=False)
