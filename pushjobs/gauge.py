"""A gauge: how far an attempt is, set as often as it likes and read when that is to be told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pushjobs import plain
from pushjobs.events import Event

#: What is done, of how much, and a message; numbers and text of Python's own types.
Reading = tuple[float, float | None, str | None]


def reading(done: Any, total: Any, message: Any) -> Reading:
    """A reading of values of any type; raises ``TypeError`` or ``ValueError`` for no number."""
    text = None if message is None else plain.text(message)
    return plain.number(done) or 0, plain.number(total), text


class Gauge:
    """The newest progress of one attempt; ``event`` is one of its events, without the progress.

    To set it takes no lock. Whoever speaks stores ``newest`` and only then looks at ``awaited``;
    the publisher clears ``awaited`` and only then reads. So a reading is taken, or asked for anew.
    """

    __slots__ = ("_event", "awaited", "newest")

    def __init__(self, event: Event) -> None:
        self._event = event
        #: Whether the publisher will come for what is newest then, with no more said.
        self.awaited = False
        self.newest: Reading | None = None

    @property
    def job(self) -> str:
        return self._event.job

    @property
    def attempt(self) -> int:
        return self._event.attempt

    def data(self) -> dict[str, Any] | None:
        """The newest reading as the wire has it; None before the first."""
        if self.newest is None:
            return None
        done, total, message = reading(*self.newest)
        percent = round(100 * min(max(done / total, 0), 1), 1) if total else None
        return {"done": done, "total": total, "percent": percent, "message": message}

    def take(self) -> Event:
        """The newest reading as an event of this moment."""
        self.awaited = False
        return self._event.saying(datetime.now(UTC), self.data() or {})
