"""The protocol's fixtures (tests/protocol/README.md), as this client reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource

from pushjobs.client import verdicts
from pushjobs.client.backoff import retry_after
from pushjobs.client.documents import Event
from pushjobs.client.faults import message_of
from pushjobs.client.follower import Follower
from pushjobs.client.state import JobState, reduce
from pushjobs.client.steps import Broken, NextFrame, NextMessage, SendFrame, Step
from pushjobs.client.ways import PAGE, STREAM, sse, take_page, websocket
from tests.unit.client.drive import Run, drive, follower

FOLDER = Path(__file__).resolve().parent.parent.parent / "protocol"
Case = dict[str, Any]


def cases(name: str, *, channels: int | None = None) -> pytest.MarkDecorator:
    """All cases of a file, or those of a stream or page of so many channels."""
    found = json.loads((FOLDER / f"{name}.json").read_text())["cases"]
    if channels is not None:
        found = [case for case in found if len(case["channels"]) == channels]
    return pytest.mark.parametrize("case", found, ids=[case["name"] for case in found])


@cases("jobs")
def test_the_state_of_a_job(case: Case) -> None:
    state = JobState()
    for event in case["events"]:
        state = reduce(state, Event.read(event))
    progress = None if state.progress is None else asdict(state.progress)
    found = {name: getattr(state, name) for name in case["state"]} | {"progress": progress}
    assert found == case["state"]


@cases("closes")
def test_a_close_code(case: Case) -> None:
    then = {"retry": "reconnect"}.get(verdict := verdicts.of_close(case["code"]), verdict)
    assert then == case["then"]


@cases("answers")
def test_an_answer(case: Case) -> None:
    body = case["body"]
    content = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    answer = httpx.Response(case["status"], headers=case["headers"], text=content)
    answer.headers = httpx.Headers(case["headers"])
    media_type = STREAM if case["transport"] == "sse" else PAGE
    assert verdicts.of_answer(answer, media_type) == case["then"]
    if case["then"] == "retry":
        assert retry_after(answer.headers.get("retry-after"), 0) == case["after"]


def _blocks(chunks: list[str]) -> Iterator[Any]:
    stream = httpx.ByteStream("".join(chunks).encode())
    yield from EventSource(
        httpx.Response(200, headers={"Content-Type": STREAM}, stream=stream)
    ).iter_sse()


#: What httpx-sse reads in another way, and this server never sends.
UNSENT = {
    "a byte order mark at the beginning is no part of the first field",
}


@cases("eventstream")
def test_the_messages_of_a_stream(case: Case) -> None:
    blocks = list(_blocks(case["chunks"]))
    found = [(block.data, block.event or "message") for block in blocks if block.data]
    expected = [(item["data"], item["event"]) for item in case["messages"] if item["data"]]
    assert (found == expected) is (case["name"] not in UNSENT)
    retries = [retry for block in blocks if (retry := message_of(block).retry) is not None]
    assert (retries or [None])[-1] == case["retry"]


def _delivered(run: Run) -> list[list[Any]]:
    return [[event.channel, event.type, event.cursor] for event in run.events]


def _failed(run: Run) -> list[list[Any]]:
    error = run.error
    return [] if error is None else [error.code]  # type: ignore[attr-defined]


@cases("sockets")
def test_what_a_socket_says(case: Case) -> None:
    """A follower has one channel: each of the case's has one, and hears what is for the others."""
    for channel, cursor in case["cursors"].items():
        subscriptions: list[Any] = []
        frames = iter(case["frames"])

        def answer(step: Step, frames: Iterator[Any] = frames, sent: Any = subscriptions) -> Any:
            if isinstance(step, SendFrame):
                sent.append(json.loads(step.text).get("cursor"))
            if isinstance(step, NextFrame):
                frame = next(frames, None)
                return Broken("no more") if frame is None else json.dumps(frame)
            return None

        one = follower(channel, cursor)
        run = drive(websocket(one), answer)
        if isinstance(run.error, Broken):
            run.error = None
        expect = case["expect"]
        assert _delivered(run) == [item for item in expect["delivered"] if item[0] == channel]
        assert one.cursor == expect["cursors"][channel]
        assert one.over is (channel in expect["ended"])
        assert _failed(run) == [slug for name, slug in expect["failed"] if name == channel]


@cases("streams", channels=1)  # A follower of this client has one channel.
def test_what_a_stream_says(case: Case) -> None:
    blocks = _blocks(case["chunks"])
    answers: dict[type[Any], Callable[[], Any]] = {
        NextMessage: lambda: next(blocks, None),
    }
    opened = httpx.Response(200, headers={"Content-Type": STREAM})
    one = follower(case["channels"][0], case["cursor"])
    run = drive(sse(one), lambda step: answers.get(type(step), lambda: opened)())
    _check(case, one, run)


@cases("pages", channels=1)
def test_what_a_page_says(case: Case) -> None:
    one = follower(case["channels"][0], case["cursor"])
    run = drive(take_page(one, case["page"]), lambda step: None)
    _check(case, one, run)
    assert run.value == case["expect"]["then"]


def _check(case: Case, one: Follower, run: Run) -> None:
    expect = case["expect"]
    assert _delivered(run) == expect["delivered"]
    assert one.cursor == expect["cursors"][one.channel]
    assert one.over is (expect.get("then") == "over")
