"""The AsyncAPI document: sound in itself, and true of what the server really sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent
from jsonschema import Draft7Validator, Draft202012Validator

from pushjobs.events import EventType
from pushjobs.transports import socket as websocket
from tests.processes import Server
from tests.protocol.asyncapi import Document
from tests.protocol.traffic import TERMINAL, Socket, User

EVENTS = {str(kind) for kind in EventType}
CLIENT_FRAMES = {"subscribe", "unsubscribe", "cancel", "ping"}
SERVER_FRAMES = {
    "welcome",
    "subscribed",
    "unsubscribed",
    "cancelling",
    "pong",
    "event",
    "error",
}


@pytest.fixture(scope="module")
def document(server: Server) -> Document:
    response = httpx.get(f"{server.url}/jobs/asyncapi.json")
    assert response.status_code == 200
    return Document(response.json())


@pytest.fixture(scope="module")
def user(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user with a job of each fate, all of them over."""
    never = str(tmp_path_factory.mktemp("gate") / "never")
    with User(server) as user:
        held = user.submit("test.hold", until=never)
        user.until(held, lambda job: job["status"] == "running")
        later = user.submit("test.echo", run_at="2099-01-01T00:00:00Z")
        user.jobs = [
            held,
            later,
            user.submit("test.echo", value={"deep": [1, None]}),
            user.submit("test.result", kind="big"),
            user.submit("test.talk", words=3),
            user.submit("test.flaky"),
            user.submit("test.fail"),
            user.submit("test.refuse"),
        ]
        user.cancel(held)
        user.cancel(later)
        for job in user.jobs:
            user.until(job, lambda document: document["finished_at"] is not None)
        yield user


@pytest.fixture(scope="module")
def stream(user: User) -> list[ServerSentEvent]:
    """All that one stream told of the jobs."""
    path = "/jobs/events?channel=user:me&cursor=earliest"
    return user.stream(path, _last_of(len(user.jobs)))


def _last_of(jobs: int) -> Callable[[str], bool]:
    """Accepts the terminal event of the last of so many jobs."""
    left = iter(range(jobs - 1))
    return lambda kind: kind in TERMINAL and next(left, None) is None


def _assert_true_of(document: Document, channel: str, events: list[ServerSentEvent]) -> None:
    for event in events:
        fields = {"event": event.event} | ({"id": event.id} if event.id else {})
        assert document.errors(channel, event.event, event.json()) == [], event
        assert document.errors(channel, event.event, fields, "headers") == [], event


def test_is_of_version_3(document: Document) -> None:
    assert document.content["asyncapi"] == "3.0.0"
    assert document.content.keys() >= {"info", "channels", "operations", "components"}
    assert document.content["info"].keys() >= {"title", "version", "description"}


def test_every_reference_resolves(document: Document) -> None:
    references = list(document.references())
    assert len(references) > 100
    for reference in references:
        assert document.resolve(reference) is not None


def test_every_schema_is_a_json_schema_of_either_draft(document: Document) -> None:
    schemas = document.content["components"]["schemas"]
    assert schemas
    for schema in schemas.values():
        Draft7Validator.check_schema(schema)
        Draft202012Validator.check_schema(schema)


def test_every_operation_takes_its_messages_from_its_channel(document: Document) -> None:
    for name, operation in document.content["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        channel = operation["channel"]["$ref"]
        replies = operation.get("reply", {}).get("messages", [])
        messages = [message["$ref"] for message in [*operation["messages"], *replies]]
        assert messages, name
        assert all(message.startswith(channel + "/messages/") for message in messages), name


def test_every_channel_is_served_at_its_address(document: Document) -> None:
    addresses = {name: item["address"] for name, item in document.content["channels"].items()}
    assert addresses == {
        "job": "/jobs/{job_id}/events",
        "events": "/jobs/events",
        "socket": "/jobs/socket",
    }


def test_every_security_scheme_that_is_asked_for_is_defined(document: Document) -> None:
    schemes = set(document.content["components"]["securitySchemes"])
    used = {
        reference.rpartition("/")[2]
        for reference in document.references()
        if "/securitySchemes/" in reference
    }
    assert used == schemes == {"bearer", "header", "session", "query"}


def test_has_every_event_and_every_frame(document: Document) -> None:
    assert document.messages("job").keys() == EVENTS
    assert document.messages("events").keys() == EVENTS
    assert document.messages("socket").keys() == CLIENT_FRAMES | SERVER_FRAMES


def test_says_every_close_code_and_heartbeat(document: Document) -> None:
    described = document.content["info"]["description"]
    rows = {int(line.split("|")[1]) for line in described.splitlines() if line[:3] == "| 3"}
    assert rows == {value for name, value in vars(websocket).items() if _is_close_code(name, value)}
    assert "every 15 seconds" in described
    assert "every 25 seconds" in described


def _is_close_code(name: str, value: Any) -> bool:
    return name.isupper() and isinstance(value, int) and 3000 <= value <= 3999


def test_is_true_of_a_stream_of_many_jobs(
    document: Document, stream: list[ServerSentEvent]
) -> None:
    assert {event.event for event in stream} == EVENTS - {"job.snapshot"}
    _assert_true_of(document, "events", stream)


def test_is_true_of_the_stream_of_each_job(document: Document, user: User) -> None:
    for job in user.jobs:
        events = user.stream(f"{job['links']['events']}?cursor=earliest", TERMINAL.__contains__)
        assert events[-1].event in TERMINAL
        _assert_true_of(document, "job", events)


def test_is_true_of_snapshots_with_and_without_a_cursor(document: Document, user: User) -> None:
    for job in user.jobs:
        cursor = job["cursor"].split(".")
        unknown = ".".join([cursor[0], "other", cursor[2]])
        for query, recovered in (("", None), (f"?cursor={unknown}", False)):
            (event,) = user.stream(job["links"]["events"] + query, lambda _: True)
            assert event.event == "job.snapshot"
            assert event.json()["data"].get("recovered") is recovered
            _assert_true_of(document, "job", [event])


def test_is_true_of_every_frame_of_a_socket(document: Document, user: User, gate: Path) -> None:
    running = user.submit("test.hold", until=str(gate))
    with user.socket() as socket:
        _say_everything(socket, user, running)
        assert socket.closed() == websocket.BAD_FRAME
    for frame in socket.sent[:-1]:
        assert document.errors("socket", frame["type"], frame) == []
    for frame in socket.received:
        assert document.errors("socket", frame["type"], frame) == [], frame
    assert {frame["type"] for frame in socket.sent[:-1]} == CLIENT_FRAMES
    assert {frame["type"] for frame in socket.received} == SERVER_FRAMES
    events = [frame["event"] for frame in socket.received if frame["type"] == "event"]
    assert {event["type"] for event in events} == EVENTS
    codes = {frame["code"] for frame in socket.received if frame["type"] == "error"}
    assert codes == {
        "not_found",
        "invalid_cursor",
        "unauthorized",
        "conflict",
        "bad_request",
        "bad_frame",
    }


def _say_everything(socket: Socket, user: User, running: dict[str, Any]) -> None:
    """Every frame of a client, those that are refused included."""
    over = user.jobs[0]["id"]
    socket.send(type="ping")
    socket.until_type("pong")
    socket.send(type="subscribe", channel="user:me", cursor="earliest")
    socket.until_type("subscribed")
    socket.send(type="subscribe", channel="user:me")
    socket.send(type="subscribe", channel="job:nobody")
    socket.send(type="subscribe", channel=f"job:{over}", cursor="garbage")
    socket.until(lambda frame: frame.get("code") == "invalid_cursor")
    socket.send(type="subscribe", channel=f"job:{over}", token="garbage")
    socket.until(lambda frame: frame.get("code") == "unauthorized")
    socket.send(type="subscribe", channel=f"job:{over}")
    socket.until(lambda frame: frame.get("event", {}).get("type") == "job.snapshot")
    socket.send(type="subscribe", channel="tag:seen", cursor=None)
    socket.send(type="cancel", job=user.jobs[2]["id"])
    socket.until(lambda frame: frame.get("code") == "conflict")
    socket.send(type="cancel", job=running["id"], token=running["token"])
    socket.until_type("cancelling")
    socket.until(lambda frame: _is_end_of(frame, running["id"]))
    socket.send(type="unsubscribe", channel="user:me")
    socket.until(lambda frame: frame == {"type": "unsubscribed", "channel": "user:me"})
    socket.send(type="shout")


def _is_end_of(frame: dict[str, Any], job: str) -> bool:
    event = frame.get("event", {})
    return bool(event.get("job") == job and event["type"] in TERMINAL)


@pytest.mark.parametrize("kind", sorted(EVENTS - {"job.snapshot"}))
def test_a_false_event_is_noticed(
    document: Document, stream: list[ServerSentEvent], kind: str
) -> None:
    event = next(event.json() for event in stream if event.event == kind)
    assert document.errors("events", kind, event) == []
    for wrong in _spoiled(event):
        assert document.errors("events", kind, wrong), wrong


def _spoiled(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An event with a member too many, with one missing, and with each of another type."""
    yield event | {"surplus": 1}
    yield event | {"data": event["data"] | {"surplus": 1}}
    yield event | {"type": "job.other"}
    yield event | {"time": "yesterday"}
    for name in event:
        yield {key: value for key, value in event.items() if key != name}
        yield event | {name: json.loads("[]")}
