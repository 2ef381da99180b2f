"""Events: what happened to a job, and their one encoding each for JSON, SSE and WebSocket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

import orjson

from pushjobs import channels
from pushjobs.cursor import Cursor, Position


class EventType(StrEnum):
    """Types of events, as the wire names them."""

    SNAPSHOT = "job.snapshot"
    QUEUED = "job.queued"
    STARTED = "job.started"
    PROGRESS = "job.progress"
    OUTPUT = "job.output"
    RETRYING = "job.retrying"
    SUCCEEDED = "job.succeeded"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"


TERMINAL = frozenset({EventType.SUCCEEDED, EventType.FAILED, EventType.CANCELLED})
#: Events that end an attempt: what the attempt still says afterwards is void.
CLOSING = TERMINAL | {EventType.RETRYING}


def rfc3339(moment: datetime) -> str:
    """``moment`` in UTC with milliseconds (RFC 3339, section 5.6)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a job.

    ``version`` numbers the job's status changes from 1, for events that announce one; ``seq``
    numbers what an attempt says, from 1. The log uses both to refuse what it has.
    """

    type: EventType
    job: str
    name: str
    attempt: int
    time: datetime
    data: dict[str, Any]
    version: int = 0
    seq: int = 0

    def body(self) -> bytes:
        """The members of the event's JSON object, all but its channel."""
        members = {
            "job": self.job,
            "name": self.name,
            "type": self.type,
            "attempt": self.attempt,
            "time": rfc3339(self.time),
            "data": self.data,
        }
        try:
            encoded = orjson.dumps(members, default=str)
        except TypeError:
            # Text that is no Unicode, such as an odd file name, or an integer over 64 bits.
            text = json.dumps(members, default=str, ensure_ascii=False)
            encoded = text.encode(errors="replace")
        # orjson's own object keeps its whole buffer, many times its length; the log keeps this one.
        return bytes(memoryview(encoded))


@dataclass(frozen=True, slots=True)
class Record:
    """An event as the log keeps it: encoded once, for one channel."""

    channel: str
    type: str
    job: str
    attempt: int
    version: int
    seq: int
    body: bytes

    @classmethod
    def of(cls, event: Event, channel: str, body: bytes) -> Record:
        return cls(channel, event.type, event.job, event.attempt, event.version, event.seq, body)


class Entry:
    """A record at its position in the log; each encoding is made once and shared by all readers."""

    def __init__(self, record: Record, position: Position) -> None:
        self.record = record
        self.position = position

    def __repr__(self) -> str:
        return f"<Entry {self.record.channel} {self.position} {self.record.type}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entry):
            return NotImplemented
        return (self.record, self.position) == (other.record, other.position)

    __hash__ = None  # type: ignore[assignment]

    @property
    def terminal(self) -> bool:
        return self.record.type in TERMINAL

    @property
    def replaces(self) -> tuple[str, str] | None:
        """What it makes out of date: the progress that the same channel told of the same job."""
        record = self.record
        return (record.channel, record.job) if record.type == EventType.PROGRESS else None

    @cached_property
    def cursor(self) -> str:
        return Cursor.encode_one(self.record.channel, self.position)

    @cached_property
    def json(self) -> bytes:
        """The event's JSON object."""
        channel = orjson.dumps(channels.public(self.record.channel))
        return b'{"channel":' + channel + b"," + self.record.body[1:]

    @cached_property
    def sse_fields(self) -> bytes:
        """The fields after ``id`` (WHATWG HTML, section 9.2.5); JSON has no line breaks."""
        return b"event: " + self.record.type.encode() + b"\ndata: " + self.json + b"\n\n"

    @cached_property
    def sse(self) -> bytes:
        """The whole block, for a stream of this one channel."""
        return b"id: " + self.cursor.encode() + b"\n" + self.sse_fields

    def page_item(self, cursor: str | None) -> bytes:
        """An item of a page of events, for a client that polls."""
        return b'{"cursor":' + orjson.dumps(cursor) + b',"event":' + self.json + b"}"

    def socket_frame(self, cursor: str | None) -> bytes:
        """The payload of a WebSocket frame whose ``cursor`` is given (a snapshot's may be null)."""
        head = {"type": "event", "channel": channels.public(self.record.channel), "cursor": cursor}
        return orjson.dumps(head)[:-1] + b',"event":' + self.json + b"}"

    @cached_property
    def frame(self) -> bytes:
        """The payload of the WebSocket frame for this entry."""
        return self.socket_frame(self.cursor)
