"""What the streams carry, as types: the data of each event, and the frames of the WebSocket.

For the AsyncAPI document. What a server sends has these members and no others; what a client
sends beyond them is ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

from pushjobs.events import EventType

ChannelName = Annotated[str, Field(description="`job:<id>`, `user:me` or `tag:<name>`.")]
CursorText = Annotated[str, Field(description="Opaque: give it back as it is.")]
#: What a client may leave out or give as null.
OptionalText = Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})]
ErrorCode = Literal[
    "bad_frame",
    "bad_request",
    "conflict",
    "gone",
    "internal_error",
    "invalid_cursor",
    "limit_exceeded",
    "not_found",
    "stream_unavailable",
    "unauthorized",
]


class Sent(BaseModel):
    """What the server sends."""

    model_config = ConfigDict(extra="forbid")


class Received(BaseModel):
    """What the client sends."""

    model_config = ConfigDict(extra="allow")


class JobError(BaseModel):
    """Why an attempt failed: a problem document (RFC 9457), with members of the job's choosing."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str | None = None
    errors: list[dict[str, Any]] | None = None


class Event(Sent):
    """One thing that happened to a job; its `type` says what `data` holds."""

    channel: ChannelName
    job: UUID
    name: str
    attempt: Annotated[int, Field(ge=0, description="Which run of the job; 0 before the first.")]
    time: AwareDatetime


class Nothing(Sent):
    """No members."""


class QueuedData(Sent):
    run_at: AwareDatetime | None


class ProgressData(Sent):
    done: float
    total: float | None
    percent: Annotated[float, Field(ge=0, le=100)] | None
    message: str | None


class OutputData(Sent):
    stream: str
    chunk: Annotated[str, Field(min_length=1)]


class RetryingData(Sent):
    error: JobError
    retry_at: AwareDatetime | None


class Ending(Sent):
    """`output_complete` is told where it is false: the log was away when the job ended."""

    output_complete: bool = True


class CancelledData(Ending):
    """No more than that."""


class SucceededData(Ending):
    """`result` is null where the job's JSON value is too large to be told: read the response."""

    result: Any
    status_code: Annotated[int, Field(ge=200, le=599)]
    content_type: str


class FailedData(Ending):
    error: JobError


class QueuedEvent(Event):
    """The job waits for a worker, or for `run_at`."""

    type: Literal[EventType.QUEUED]
    data: QueuedData


class StartedEvent(Event):
    """An attempt has begun."""

    type: Literal[EventType.STARTED]
    data: Nothing


class ProgressEvent(Event):
    """How far the attempt is; some may be left out, the newest never is."""

    type: Literal[EventType.PROGRESS]
    data: ProgressData


class OutputEvent(Event):
    """Text that the attempt has emitted; none is left out."""

    type: Literal[EventType.OUTPUT]
    data: OutputData


class RetryingEvent(Event):
    """The attempt failed, its output is void, and another one follows."""

    type: Literal[EventType.RETRYING]
    data: RetryingData


class SucceededEvent(Event):
    """The job is over: it succeeded."""

    type: Literal[EventType.SUCCEEDED]
    data: SucceededData


class FailedEvent(Event):
    """The job is over: it failed."""

    type: Literal[EventType.FAILED]
    data: FailedData


class CancelledEvent(Event):
    """The job is over: it was cancelled."""

    type: Literal[EventType.CANCELLED]
    data: CancelledData


class Subscribe(Received):
    """Follow a channel, from a cursor on; without one, from a snapshot on."""

    type: Literal["subscribe"]
    channel: ChannelName
    token: OptionalText = None
    cursor: OptionalText = None


class Unsubscribe(Received):
    """Follow a channel no more."""

    type: Literal["unsubscribe"]
    channel: ChannelName


class Cancel(Received):
    """Cancel a job."""

    type: Literal["cancel"]
    job: str
    token: OptionalText = None


class Ping(Received):
    """Ask for a sign of life."""

    type: Literal["ping"]


class Welcome(Sent):
    """The first frame of a connection."""

    type: Literal["welcome"]
    heartbeat: Annotated[float, Field(gt=0, description="Seconds between two `pong` frames.")]


class Subscribed(Sent):
    """The channel's events follow. `cursor` is null where a snapshot comes first."""

    type: Literal["subscribed"]
    channel: ChannelName
    recovered: Annotated[bool | None, Field(description="Null where no cursor was given.")]
    cursor: CursorText | None


class Unsubscribed(Sent):
    """The channel's events end: by request, or because all of its job was told."""

    type: Literal["unsubscribed"]
    channel: ChannelName


class Cancelling(Sent):
    """The job is cancelled, or its handler is about to be told."""

    type: Literal["cancelling"]
    job: str


class Pong(Sent):
    """The answer to a `ping`; or the heartbeat, which no one asked for."""

    type: Literal["pong"]


class Error(Sent):
    """A frame could not be done, or a subscription ended; only `bad_frame` closes the socket."""

    type: Literal["error"]
    code: ErrorCode
    detail: str
    channel: ChannelName | None = None
    job: str | None = None


EVENTS = (
    QueuedEvent,
    StartedEvent,
    ProgressEvent,
    OutputEvent,
    RetryingEvent,
    SucceededEvent,
    FailedEvent,
    CancelledEvent,
)
CLIENT_FRAMES = (Subscribe, Unsubscribe, Cancel, Ping)
SERVER_FRAMES = (Welcome, Subscribed, Unsubscribed, Cancelling, Pong, Error)
