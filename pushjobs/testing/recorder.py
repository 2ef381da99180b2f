"""Keeps the events of jobs as they are published, one by one and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, overload
from unittest.mock import patch
from uuid import UUID

from pushjobs import channels
from pushjobs.events import Event, EventType
from pushjobs.gauge import Gauge
from pushjobs.models import Job
from pushjobs.publisher import Publisher
from pushjobs.testing.commits import commits
from pushjobs.testing.foreground import foreground


class _Published(NamedTuple):
    event: Event
    channels: tuple[str, ...]


class RecordedEvents(Sequence[Event]):
    """All events, in the order in which they were published.

    Each call of ``run.progress`` and ``run.emit`` is one, where clients are sent the newest
    progress and the joined output of an interval. A status is there once, however often it is told.
    """

    def __init__(self) -> None:
        self._published: list[_Published] = []
        self._told: set[tuple[str, int]] = set()

    def add(self, event: Event, names: tuple[str, ...]) -> None:
        """Keep an event that goes to these channels, by the log's names."""
        status = (event.job, event.version)
        if event.version and status in self._told:
            return
        self._told.add(status)
        self._published.append(_Published(event, names))

    def of(self, job: Job | UUID | str) -> list[Event]:
        """The events of one job."""
        job_id = str(job.pk if isinstance(job, Job) else job)
        return [event for event in self if event.job == job_id]

    def on(self, channel: str, user: Any = None) -> list[Event]:
        """What a follower of ``job:<id>`` is told, or ``user`` of ``user:me`` or ``tag:<name>``.

        Raises ``ValueError`` for another channel, or where ``user`` is missing.
        """
        name = _name_in_log(channel, user)
        return [event for event, names in self._published if name in names]

    def types(self, job: Job | UUID | str) -> list[EventType]:
        """What kinds of events there were of one job."""
        return [event.type for event in self.of(job)]

    def output(self, job: Job | UUID | str, stream: str = "output") -> str:
        """All that a job emitted to a stream, its earlier attempts included."""
        said = [event.data for event in self.of(job) if event.type == EventType.OUTPUT]
        return "".join(data["chunk"] for data in said if data["stream"] == stream)

    def __len__(self) -> int:
        return len(self._published)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return [event for event, _ in self._published][index]


@contextmanager
def record_events() -> Iterator[RecordedEvents]:
    """While inside, keep what this process publishes, from any thread; it is published as well.

    In a test that is rolled back a status is told as if its change had been committed.
    """
    recorded = RecordedEvents()
    publish, progress, output = Publisher.publish, Publisher.progress, Publisher.output

    def note(publisher: Publisher, event: Event, names: tuple[str, ...]) -> None:
        recorded.add(event, names)
        publish(publisher, event, names)

    def note_progress(publisher: Publisher, gauge: Gauge, names: tuple[str, ...]) -> None:
        recorded.add(gauge.take(), names)
        progress(publisher, gauge, names)
        gauge.awaited = False  # So that the next call comes here too.

    def note_output(publisher: Publisher, event: Event, names: tuple[str, ...]) -> None:
        recorded.add(event, names)
        output(publisher, event, names)

    with (
        patch.object(Publisher, "publish", note),
        patch.object(Publisher, "progress", note_progress),
        patch.object(Publisher, "output", note_output),
        commits(),
        foreground(),
    ):
        yield recorded


def _name_in_log(channel: str, user: Any) -> str:
    kind, _, name = channel.partition(":")
    if kind == channels.JOB:
        return channel
    if user is None or not (channel == channels.ME or kind == channels.TAG):
        raise ValueError(f"{channel!r} is job:<id>, or user:me or tag:<name> with a user")
    return channels.of_user(user.pk) if kind == channels.USER else channels.of_tag(user.pk, name)
