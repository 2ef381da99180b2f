"""The AsyncAPI 3 document of the streams, made from the types that they carry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from django.conf import settings as django_settings
from django.urls import reverse
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from pushjobs import messages
from pushjobs.conf import settings
from pushjobs.events import EventType
from pushjobs.messages import CursorText
from pushjobs.openapi import JobDocument

_REF = "#/components/schemas/{model}"

#: Why a server closes a socket: below 3500 the client comes back, from 3500 on it does not.
CLOSE_CODES = {
    3001: "The server is going away or full, or the connection is old. "
    "Reconnect, with the cursors.",
    3008: "The client reads too slowly. Reconnect, with the cursors.",
    3500: "A frame is none of this protocol's. Do not reconnect.",
    3501: "The handshake's token does not hold, or no longer. Do not reconnect with it.",
    3502: "Over a limit: too many frames a second, or connections of a user or address. "
    "Do not reconnect.",
}


class SnapshotData(JobDocument):
    """The job's document.

    `recovered` stands where a cursor was given, `more` on the last snapshot of a channel that has
    more jobs than are shown.
    """

    model_config = ConfigDict(extra="forbid")

    error: messages.JobError | None  # type: ignore[assignment]
    recovered: bool | None = None
    more: Literal[True] | None = None


class SnapshotEvent(messages.Event):
    """What the job is like now: all that was told before is void."""

    type: Literal[EventType.SNAPSHOT]
    data: SnapshotData


class EventFrame(messages.Sent):
    """An event. A null `cursor` does not move the client's."""

    type: Literal["event"]
    channel: messages.ChannelName
    cursor: CursorText | None
    event: (
        SnapshotEvent
        | messages.QueuedEvent
        | messages.StartedEvent
        | messages.ProgressEvent
        | messages.OutputEvent
        | messages.RetryingEvent
        | messages.SucceededEvent
        | messages.FailedEvent
        | messages.CancelledEvent
    )


class EventFields(messages.Sent):
    """The fields of `text/event-stream` beside `data`; without `id` the cursor stays."""

    id: CursorText | None = None
    event: str


EVENTS: tuple[type[BaseModel], ...] = (SnapshotEvent, *messages.EVENTS)
SERVER_FRAMES: tuple[type[BaseModel], ...] = (*messages.SERVER_FRAMES, EventFrame)
FRAMES: tuple[type[BaseModel], ...] = (*messages.CLIENT_FRAMES, *SERVER_FRAMES)
MODELS: tuple[type[BaseModel], ...] = (*EVENTS, *FRAMES, EventFields)


class _Schemas(GenerateJsonSchema):
    """Closed objects, as they are sent, with no more than is needed to read them."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return {"additionalProperties": False} | super().model_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A default of None says that a member may be absent; it is never null then."""
        inner = schema["schema"]
        plain = inner["type"] == "nullable" and "metadata" not in inner
        return self.generate_inner(inner["schema"] if plain else inner)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def document() -> dict[str, Any]:
    """The document, for where the project has put the app's URLs."""
    root = reverse("pushjobs:jobs")
    _, definitions = models_json_schema(
        [(model, "validation") for model in MODELS],
        ref_template=_REF,
        schema_generator=_Schemas,
    )
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Pushjobs", "version": "1.0.0", "description": _description()},
        "defaultContentType": "application/json",
        "channels": {
            "job": _channel(
                root + "/{job_id}/events",
                "One job's events, to its end, as `text/event-stream`. A reconnect after the end "
                "gets 204.",
                map(_type_of, EVENTS),
                parameters={"job_id": {"description": "The job's id."}},
            ),
            "events": _channel(
                root + "/events",
                "The events of many channels, as `text/event-stream`; `?channel=` names each.",
                map(_type_of, EVENTS),
            ),
            "socket": _channel(
                root + "/socket",
                "One WebSocket for many channels; frames are JSON text.",
                map(_type_of, FRAMES),
                bindings={"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            ),
        },
        "operations": {
            "followJob": _stream("job", "Follow one job.", {}),
            "followChannels": _stream("events", "Follow many channels.", _CHANNELS),
            "push": {
                "action": "send",
                "channel": _ref("channels", "socket"),
                "summary": "What the server sends.",
                "messages": _messages("socket", map(_type_of, SERVER_FRAMES)),
                "security": [_ref("components", "securitySchemes", name) for name in _HEADERS],
            },
            "subscribe": _request("subscribe", "subscribed", "error"),
            "unsubscribe": _request("unsubscribe", "unsubscribed"),
            "cancel": _request("cancel", "cancelling", "error"),
            "ping": _request("ping", "pong"),
        },
        "components": {
            "messages": {
                **{_type_of(model): _message(model, EventFields) for model in EVENTS},
                **{_type_of(model): _message(model) for model in FRAMES},
            },
            "schemas": definitions["$defs"],
            "securitySchemes": _security(),
        },
    }


def _description() -> str:
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in CLOSE_CODES.items())
    return (
        "The events of background jobs, as Server-Sent Events and over WebSocket. Both carry the "
        "same events and the same cursors.\n\n"
        f"Heartbeats: a stream sends a comment every {settings.STREAM_HEARTBEAT:g} seconds, a "
        f"socket an unsolicited `pong` every {settings.SOCKET_HEARTBEAT:g} seconds. A client that "
        "hears nothing for twice as long reconnects, with its cursors.\n\n"
        f"Close codes of the socket:\n\n| code | meaning |\n|---|---|\n{codes}\n\n"
        "A handshake from an origin that is not allowed is refused with 403, and one that the "
        "server has no room for with 503, or 403 where the server knows no other answer. A stream "
        "over a limit of its user or address is refused with 429, and where the server has no room "
        "with 503, both with `Retry-After`.\n\n"
        "A stream that the server sends away, because it stops or because the stream is old, ends "
        "with `retry`, and a socket with 3001: the client reconnects, with its cursors."
    )


def _type_of(model: type[BaseModel]) -> str:
    """The ``type`` of an event or frame, which is also the name of its message."""
    return str(model.model_fields["type"].annotation.__args__[0])  # type: ignore[union-attr]


def _message(model: type[BaseModel], headers: type[BaseModel] | None = None) -> dict[str, Any]:
    fields = {} if headers is None else {"headers": {"$ref": _REF.format(model=headers.__name__)}}
    return {
        "name": _type_of(model),
        "title": model.__name__,
        "summary": model.__doc__,
        "payload": {"$ref": _REF.format(model=model.__name__)},
        **fields,
    }


def _ref(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}


def _channel(address: str, description: str, names: Iterable[str], **more: Any) -> dict[str, Any]:
    carried = {name: _ref("components", "messages", name) for name in names}
    return {"address": address, "description": description, "messages": carried, **more}


def _messages(channel: str, names: Iterable[str]) -> list[dict[str, str]]:
    return [_ref("channels", channel, "messages", name) for name in names]


def _stream(channel: str, summary: str, query: dict[str, Any]) -> dict[str, Any]:
    cursor = {
        "type": "string",
        "description": "Resume from here; `earliest`: from the start. That of many channels is the "
        "cursor of each, in their order, with `~` in between; `-` for one without.",
    }
    token = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Tokens, each for the channels that it names; they count for reading only.",
    }
    fields = {**query, "cursor": cursor, "token": token}
    return {
        "action": "send",
        "channel": _ref("channels", channel),
        "summary": summary + " `Last-Event-ID` or `?cursor=` resumes.",
        "messages": _messages(channel, map(_type_of, EVENTS)),
        "security": [_ref("components", "securitySchemes", name) for name in _security()],
        "bindings": {
            "http": {
                "method": "GET",
                "query": {"type": "object", "required": [*query], "properties": fields},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _request(frame: str, *answers: str) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": _ref("channels", "socket"),
        "messages": _messages("socket", [frame]),
        "reply": {"channel": _ref("channels", "socket"), "messages": _messages("socket", answers)},
    }


_CHANNELS = {"channel": {"type": "array", "items": {"type": "string"}, "minItems": 1}}
_HEADERS = ("bearer", "header", "session")


def _security() -> dict[str, Any]:
    """How a caller says who it is; a socket's ``subscribe`` and ``cancel`` take a token as well."""
    return {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "header": {"type": "httpApiKey", "in": "header", "name": settings.TOKEN_HEADER},
        "session": {
            "type": "httpApiKey",
            "in": "cookie",
            "name": django_settings.SESSION_COOKIE_NAME,
        },
        "query": {"type": "httpApiKey", "in": "query", "name": "token"},
    }
