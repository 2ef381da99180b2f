"""A thread that calls a function again and again, until it is stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections, connections

from pushjobs.outage import DATABASE_OUTAGE, note_outage

logger = logging.getLogger(__name__)


class LoopThread(threading.Thread):
    """Calls ``step`` every ``interval`` seconds; an error is logged and the next step comes."""

    def __init__(self, name: str, interval: float, step: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._interval = interval
        self._step = step
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                close_old_connections()
                self._step()
            except DATABASE_OUTAGE as error:
                note_outage(self.name, error)
            except Exception:
                logger.exception("%s failed; it goes on", self.name)
        connections.close_all()

    def stop(self) -> None:
        """Stop after the step under way, and wait for it."""
        self._stopping.set()
        if self.is_alive():
            self.join()
