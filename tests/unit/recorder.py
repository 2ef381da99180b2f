"""A publisher that keeps what it is told, for tests of what is said and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pushjobs.events import Event
from pushjobs.gauge import Gauge


class Recorder:
    """Has the methods of ``Publisher``; ``before`` is called before each announcement, and
    ``heard`` says whether the log takes output."""

    def __init__(self) -> None:
        self.statuses: list[Event] = []
        self.said: list[Event] = []
        self.silenced: list[tuple[str, int]] = []
        self.backlog = 0
        self.heard = True
        self.before: Callable[[], Any] = lambda: None

    def publish(self, event: Event, channels: tuple[str, ...]) -> None:
        self.before()
        self.statuses.append(event)

    def progress(self, gauge: Gauge, channels: tuple[str, ...]) -> None:
        self.said.append(gauge.take())

    def output(self, event: Event, channels: tuple[str, ...]) -> None:
        self.said.append(event)

    def settle(self, job: str, attempt: int, timeout: float) -> bool:
        return self.heard

    def silence(self, job: str, attempt: int) -> None:
        self.silenced.append((job, attempt))

    def types(self, job_id: object) -> list[str]:
        """The types of one job's announcements, without their prefix."""
        return [
            event.type.removeprefix("job.") for event in self.statuses if event.job == str(job_id)
        ]
