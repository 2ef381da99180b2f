"""What one attempt says on its way to the log: collapsed per interval, and numbered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pushjobs.conf import settings
from pushjobs.events import Event
from pushjobs.gauge import Gauge

#: The most characters that one ``job.output`` event carries.
CHUNK = 16 * 1024

Route = TypeVar("Route")


@dataclass(slots=True)
class Voice(Generic[Route]):
    """Holds an attempt's newest progress and its joined output until their intervals have passed.

    ``route`` is where that goes, and is kept for whoever takes it. Moments are of the monotonic
    clock, in seconds.
    """

    route: Route
    _seq: int = 0
    _full: list[Event] = field(default_factory=list)
    _output: Event | None = None
    _output_due: float = 0.0
    _progress: Gauge | None = None
    _progress_due: float = 0.0

    @property
    def holds_progress(self) -> bool:
        return self._progress is not None

    def hold_progress(self, gauge: Gauge) -> None:
        """Have the gauge read once its interval has passed."""
        self._progress = gauge

    def hold_output(self, event: Event) -> None:
        """Keep output, joined to what the same stream said before."""
        held = self._output
        if held is not None and held.data["stream"] == event.data["stream"]:
            chunk = held.data["chunk"] + event.data["chunk"]
            if len(chunk) <= CHUNK:
                event = event.saying(event.time, event.data | {"chunk": chunk})
                held = None
        if held is not None:
            self._full.append(held)
        self._output = event

    def take(self, now: float, *, everything: bool = False) -> list[Event]:
        """The events whose time has come, in order, each with its number."""
        ready: list[Event] = []
        if self._full:
            ready, self._full = self._full, ready
        if self._output is not None and (everything or now >= self._output_due):
            ready.append(self._output)
            self._output, self._output_due = None, now + settings.OUTPUT_INTERVAL
        if self._progress is not None and (everything or now >= self._progress_due):
            ready.append(self._progress.take())
            self._progress, self._progress_due = None, now + settings.PROGRESS_INTERVAL
        for place, event in enumerate(ready):
            self._seq += 1
            ready[place] = event.numbered(self._seq)
        return ready

    def due(self) -> float | None:
        """When there will be something to take; None while nothing is held."""
        if self._output is None:
            return None if self._progress is None else self._progress_due
        if self._progress is None:
            return self._output_due
        return min(self._output_due, self._progress_due)
