"""What clients are told while a store is out of reach: to come back, and never to give up."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.db import InterfaceError, InternalError, OperationalError
from django.test import Client

from pushjobs import tokens
from pushjobs.exceptions import LogUnavailable
from pushjobs.transports import sse, websocket

OUTAGES = [
    LogUnavailable(),
    OperationalError("gone"),
    InterfaceError("closed"),
    InternalError("read-only"),
]


@pytest.fixture(params=OUTAGES, ids=lambda error: type(error).__name__)
def outage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> Any:
        raise request.param

    monkeypatch.setattr("pushjobs.reader.JobReader.get", broken)


def told(application: Any, **scope: Any) -> list[dict[str, Any]]:
    """What an application sends to a client that waits."""
    job = str(uuid4())
    token = tokens.for_job(job)
    headers = [(b"authorization", f"Bearer {token}".encode()), *scope.pop("headers", [])]
    route = {"kwargs": {"job_id": job}}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    found = {"type": "http", "method": "GET", "path": "/", "headers": headers, "url_route": route}
    asyncio.run(application(found | scope, receive, send))
    return sent


@pytest.mark.usefixtures("outage")
def test_an_event_source_is_told_when_to_come_back() -> None:
    """Any status but 200 would stop it for good (WHATWG HTML, section 9.2.3)."""
    start, body = told(sse.job_events)
    assert start["status"] == 200
    assert (b"content-type", b"text/event-stream") in start["headers"]
    assert body["body"].startswith(b"retry: ")
    assert not body.get("more_body")


@pytest.mark.usefixtures("outage")
def test_a_poller_of_events_is_told_with_a_problem() -> None:
    start, body = told(sse.job_events, headers=[(b"accept", b"application/json")])
    assert start["status"] == 503
    assert b"retry-after" in dict(start["headers"])
    assert orjson.loads(body["body"])["type"].endswith("stream-unavailable")


def test_a_socket_whose_user_cannot_be_found_is_told_to_reconnect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr("pushjobs.transports.websocket.StreamRequest.caller", broken)
    *_, last = told(websocket.socket, type="websocket")
    assert last == {"type": "websocket.close", "code": 3001}


@pytest.mark.usefixtures("outage")
def test_a_subscriber_is_told_to_try_again_and_keeps_the_socket() -> None:
    job = str(uuid4())
    frame = {"type": "subscribe", "channel": f"job:{job}", "token": tokens.for_job(job)}
    sent: list[dict[str, Any]] = []

    async def conversation() -> None:
        refused = asyncio.Event()
        messages = iter(
            [
                {"type": "websocket.connect"},
                {"type": "websocket.receive", "text": orjson.dumps(frame).decode()},
            ]
        )

        async def receive() -> dict[str, Any]:
            if (message := next(messages, None)) is not None:
                return message
            await refused.wait()
            return {"type": "websocket.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if "stream_unavailable" in message.get("text", ""):
                refused.set()

        async with asyncio.timeout(30):
            await websocket.socket({"type": "websocket", "headers": []}, receive, send)

    asyncio.run(conversation())
    assert not [message for message in sent if message["type"] == "websocket.close"]


@pytest.mark.parametrize("error", OUTAGES[1:], ids=lambda error: type(error).__name__)
def test_the_api_answers_with_a_problem(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise error

    monkeypatch.setattr("pushjobs.requests.caller_of", broken)
    for answer in (
        Client().get("/jobs"),
        Client().get(f"/jobs/{uuid4()}"),
        Client().post("/jobs", {"name": "test.echo"}, content_type="application/json"),
    ):
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("database-unavailable")
        assert int(answer["Retry-After"]) > 0
