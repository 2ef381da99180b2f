"""Events: what happened to a job, and their one encoding each for JSON, SSE and WebSocket."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

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
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    if moment.microsecond:  # As ``isoformat``, which takes as long as all else that an event needs.
        return orjson.dumps(moment)[1:24].decode() + "Z"
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


class Event(NamedTuple):
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

    # By hand: ``_replace`` takes four times as long, and each event is made twice.
    def saying(self, time: datetime, data: dict[str, Any]) -> Event:
        """The same attempt's event of another moment."""
        kind, job, name, attempt, _, _, version, seq = self
        return Event(kind, job, name, attempt, time, data, version, seq)

    def numbered(self, seq: int) -> Event:
        """The same event with its number."""
        kind, job, name, attempt, time, data, version, _ = self
        return Event(kind, job, name, attempt, time, data, version, seq)

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


class Record(NamedTuple):
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


@lru_cache(maxsize=16384)
def _channel_member(channel: str) -> bytes:
    """The beginning of the JSON object of each of a channel's events."""
    return b'{"channel":' + orjson.dumps(channels.public(channel)) + b","


class Entry:
    """A record at its position in the log; each encoding is made once and shared by all readers."""

    # By hand: in Python 3.11 each cached_property takes a lock, and needs a dict in each entry.
    __slots__ = ("_cursor", "_frame", "_json", "_sse", "_sse_fields", "position", "record")

    def __init__(self, record: Record, position: Position) -> None:
        self.record = record
        self.position = position
        self._cursor: str | None = None
        self._json: bytes | None = None
        self._sse_fields: bytes | None = None
        self._sse: bytes | None = None
        self._frame: bytes | None = None

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

    @property
    def cursor(self) -> str:
        if self._cursor is None:
            self._cursor = Cursor.encode_one(self.record.channel, self.position)
        return self._cursor

    @property
    def json(self) -> bytes:
        """The event's JSON object."""
        if self._json is None:
            self._json = _channel_member(self.record.channel) + self.record.body[1:]
        return self._json

    @property
    def sse_fields(self) -> bytes:
        """The fields before ``id`` (WHATWG HTML, section 9.2.5); JSON has no line breaks.

        The id comes last: some clients count it at once, and a block may be cut in the middle.
        """
        if self._sse_fields is None:
            self._sse_fields = b"event: %b\ndata: %b\n" % (self.record.type.encode(), self.json)
        return self._sse_fields

    @property
    def sse(self) -> bytes:
        """The whole block, for a stream of this one channel."""
        if self._sse is None:
            kind, cursor = self.record.type.encode(), self.cursor.encode()
            self._sse = b"event: %b\ndata: %b\nid: %b\n\n" % (kind, self.json, cursor)
        return self._sse

    @property
    def frame(self) -> bytes:
        """The payload of the WebSocket frame for this entry."""
        if self._frame is None:
            self._frame = self.socket_frame(self.cursor)
        return self._frame

    def page_item(self, cursor: str | None) -> bytes:
        """An item of a page of events, for a client that polls."""
        return b'{"cursor":' + orjson.dumps(cursor) + b',"event":' + self.json + b"}"

    def socket_frame(self, cursor: str | None) -> bytes:
        """The payload of a WebSocket frame whose ``cursor`` is given (a snapshot's may be null)."""
        head = {"type": "event", "channel": channels.public(self.record.channel), "cursor": cursor}
        return orjson.dumps(head)[:-1] + b',"event":' + self.json + b"}"
