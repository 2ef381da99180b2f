"""Records and events for tests of what carries them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pushjobs.cursor import Position
from pushjobs.events import Entry, Event, EventType, Record
from pushjobs.gauge import Gauge

JOB = "01930000-0000-7000-8000-000000000001"
OTHER = "01930000-0000-7000-8000-000000000002"
CHANNEL = f"job:{JOB}"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def status(version: int, kind: EventType = EventType.STARTED, **fields: Any) -> Record:
    """The announcement of a status."""
    return _record(kind, version=version, **fields)


def word(seq: int, kind: EventType = EventType.OUTPUT, **fields: Any) -> Record:
    """Something that an attempt says."""
    return _record(kind, seq=seq, **fields)


def _record(
    kind: EventType,
    *,
    version: int = 0,
    seq: int = 0,
    attempt: int = 1,
    job: str = JOB,
    channel: str = CHANNEL,
    body: bytes = b"{}",
) -> Record:
    return Record(channel, kind, job, attempt, version, seq, body)


def event(kind: EventType, data: dict[str, Any] | None = None, **fields: Any) -> Event:
    """An event of attempt 1 of the job ``JOB``, where ``fields`` say nothing else."""
    known: dict[str, Any] = {"job": JOB, "name": "test.job", "attempt": 1, "time": MOMENT}
    return Event(kind, data=data if data is not None else {}, **(known | fields))


def output(chunk: str, stream: str = "output", **fields: Any) -> Event:
    return event(EventType.OUTPUT, {"stream": stream, "chunk": chunk}, **fields)


def gauge(done: int, **fields: Any) -> Gauge:
    """The progress of an attempt."""
    found = Gauge(event(EventType.PROGRESS, **fields))
    found.newest = (done, None, None)
    return found


def entries_of(channel: str, count: int) -> list[Entry]:
    """Words of one channel at their positions."""
    records = [word(number, channel=channel) for number in range(1, count + 1)]
    return [Entry(record, Position("epoch", record.seq)) for record in records]
