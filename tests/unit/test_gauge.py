"""``pushjobs.gauge``: set without a lock while the publisher reads it, and no last word is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from pushjobs.context import Run
from pushjobs.events import EventType
from pushjobs.gauge import Gauge
from pushjobs.models import Job
from tests.unit.recorder import Recorder
from tests.unit.records import JOB, MOMENT, event


class Watched(Gauge):
    """Has another thread's step done at the worst moment: ``meanwhile`` is called once, after
    ``awaited`` was looked at and before it is changed."""

    meanwhile: Callable[[], Any] | None = None

    @property
    def awaited(self) -> bool:  # type: ignore[override]
        found = Gauge.awaited.__get__(self)  # type: ignore[attr-defined]
        self._step()
        return bool(found)

    @awaited.setter
    def awaited(self, value: bool) -> None:
        self._step()
        Gauge.awaited.__set__(self, value)  # type: ignore[attr-defined]

    def _step(self) -> None:
        step, self.meanwhile = self.meanwhile, None
        if step is not None:
            step()


@pytest.fixture
def gauge() -> Watched:
    found = Watched(event(EventType.PROGRESS))
    found.newest = (1, 3, None)
    found.awaited = True
    return found


def test_an_event_has_the_reading_and_the_time_of_the_moment_it_is_taken(gauge: Watched) -> None:
    taken = gauge.take()
    assert (taken.type, taken.job, taken.attempt) == (EventType.PROGRESS, gauge.job, gauge.attempt)
    assert taken.data == {"done": 1, "total": 3, "percent": 33.3, "message": None}
    assert taken.time > MOMENT
    assert not gauge.awaited


def test_nothing_is_known_before_the_first_reading() -> None:
    assert Gauge(event(EventType.PROGRESS)).data() is None


def test_what_is_said_while_the_publisher_takes_is_taken(gauge: Watched) -> None:
    gauge.meanwhile = lambda: setattr(gauge, "newest", (2, 3, None))
    assert gauge.take().data["done"] == 2


@pytest.mark.parametrize(
    "speak",
    [lambda run: run.progress(1), lambda run: list(run.track([None]))],
    ids=["progress", "track"],
)
def test_what_is_taken_while_the_handler_speaks_is_what_it_says(
    gauge: Watched, speak: Callable[[Run], object]
) -> None:
    recorder: Any = Recorder()
    run = Run(Job(id=UUID(JOB), name="test.job", attempt=1), recorder)
    run._gauge = gauge
    gauge.newest = (0, None, None)

    def when_all_is_said_but_asked_for() -> None:
        recorder.said.append(gauge.take())
        if recorder.said[-1].data["done"] == 0:  # The first word of ``track``.
            Gauge.awaited.__set__(gauge, True)  # type: ignore[attr-defined]
            gauge.meanwhile = when_all_is_said_but_asked_for

    gauge.meanwhile = when_all_is_said_but_asked_for
    speak(run)
    assert recorder.said[-1].data["done"] == 1
