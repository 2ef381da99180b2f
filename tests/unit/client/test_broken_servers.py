"""What a server sends that is wrong, or worse: it costs a connection, and nothing else breaks."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent

from pushjobs.client.api import Api
from pushjobs.client.backoff import LONGEST_ASKED, retry_after
from pushjobs.client.documents import Job
from pushjobs.client.errors import ClientError, Refused
from pushjobs.client.faults import message_of
from pushjobs.client.following import follow
from pushjobs.client.ladder import rungs
from pushjobs.client.steps import Call, NextFrame, OpenSocket, OpenStream, Step
from tests.unit.client.drive import (
    CHANNEL,
    END,
    SUBSCRIBED,
    WELCOME,
    Clock,
    drive,
    event,
    follower,
    page,
    problem,
    socket,
    told,
)
from tests.unit.client.test_asking import DOCUMENT, api, document

DEEP = "[" * 100_000


def changed(body: dict[str, Any], **members: Any) -> dict[str, Any]:
    return body | members


@pytest.mark.parametrize(
    "frames",
    [
        [DEEP],
        [{"type": "welcome", "heartbeat": math.inf}],
        [{"type": "welcome", "heartbeat": -1}],
        [{"type": "welcome", "heartbeat": math.nan}],
        [WELCOME, changed(SUBSCRIBED, cursor=7)],
        [WELCOME, changed(told("started", "c2"), cursor={"a": 1})],
        [
            WELCOME,
            changed(told("started", "c2"), event=changed(event("started"), attempt=math.inf)),
        ],
        [WELCOME, DEEP],
    ],
)
def test_a_socket_that_speaks_nonsense_is_left(frames: list[Any]) -> None:
    server = socket(*frames)

    def answer(step: Step) -> Any:
        if isinstance(step, Call):
            return page(event("succeeded", **END), ended=True)
        return server(step)

    run = drive(follow(follower(cursor="c0", transports=["websocket", "polling"])), answer)
    assert run.error is None
    assert [item.type for item in run.events] == ["job.succeeded"]
    assert len(run.of(OpenSocket)) == 1
    assert run.of(Call)[0].params["cursor"] == "c0"


@pytest.mark.parametrize(
    "members",
    [
        {"events": [None]},
        {"events": [{"cursor": "c1"}]},
        {"events": "text"},
        {"events": [{"cursor": 7, "event": event("started")}]},
        {"cursor": {"a": 1}},
    ],
)
def test_a_page_that_is_none_is_asked_for_once_more(members: dict[str, Any]) -> None:
    broken = {"events": [], "cursor": "c5", "more": False, "ended": False} | members
    answers = [httpx.Response(200, json=broken), page(event("succeeded", **END), ended=True)]
    one = follower(cursor="c0", transports=["polling"])
    run = drive(follow(one), lambda step: answers.pop(0) if isinstance(step, Call) else None)
    assert run.error is None
    assert [step.params["cursor"] for step in run.of(Call)] == ["c0", "c0"]


def test_one_that_says_more_and_has_none_is_not_asked_all_the_time() -> None:
    body = {"events": [], "cursor": "c5", "more": True, "ended": False}
    answers = [httpx.Response(200, json=body), page(event("succeeded", **END), ended=True)]
    one = follower(transports=["polling"])
    run = drive(follow(one), lambda step: answers.pop(0) if isinstance(step, Call) else None)
    assert len(run.pauses) == 1


def test_no_wait_that_a_server_asks_for_is_for_ever() -> None:
    years = ["9" * 400, "Mon, 01 Jan 9999 00:00:00 GMT", "Mon, 01 Jan 99999999999 00:00:00 GMT"]
    assert [retry_after(text, 0) for text in years] == [LONGEST_ASKED, LONGEST_ASKED, None]
    message = message_of(ServerSentEvent(retry=int("9" * 400)))
    assert message.retry == LONGEST_ASKED * 1000


def test_a_refusal_that_cannot_be_read_is_still_said() -> None:
    wrong: tuple[Any, ...] = ([None], [{"loc": None}], 7, {"a": 1})
    for errors in wrong:
        refused = Refused({"type": "a", "title": "no", "status": 422, "errors": errors})
        assert str(refused) == "no"
    answer = httpx.Response(404, text=DEEP)
    run = drive(api().get("7"), lambda step: answer)
    assert isinstance(run.error, Refused)
    run = drive(api().get("7"), lambda step: httpx.Response(200, text=DEEP))
    assert isinstance(run.error, ClientError)


def test_a_server_that_cannot_answer_now_has_not_given_the_jobs_response() -> None:
    done = Job.read(DOCUMENT | {"status": "succeeded"})
    answers = [problem(503, "database-unavailable"), httpx.Response(200, json={"big": 1})]
    run = drive(api().result(done, None), lambda step: answers.pop(0))
    assert run.value == {"big": 1}


def test_a_job_that_is_not_over_has_no_result_whatever_the_stream_says() -> None:
    def answer(step: Step) -> Any:
        if isinstance(step, OpenStream):
            return httpx.Response(204)
        return document(status="running")

    streams = Api(api().endpoint, api().credentials, rungs(["sse"]))
    run = drive(streams.result(Job.read(DOCUMENT), None), answer)
    assert isinstance(run.error, ClientError)
    assert len(run.of(OpenStream)) == 1


def test_a_deadline_holds_for_every_request_and_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    pages = Api(api().endpoint, api().credentials, rungs(["sse"]))
    timeouts: list[float] = []

    def answer(step: Step) -> Any:
        assert isinstance(step, Call)  # No stream, which cannot be left at a given moment.
        timeouts.append(step.timeout)
        clock.now += 2
        if step.url.endswith("/events"):
            return page()
        return document() if step.method == "GET" else None

    run = drive(pages.result("7", 5), answer, clock)
    assert isinstance(run.error, TimeoutError)
    assert clock.now <= 1007
    assert timeouts[0] == 5
    assert max(timeouts[1:]) <= 3


def test_what_is_said_of_another_channel_is_ignored() -> None:
    other = changed(told("succeeded", "c8", **END), channel="job:8")
    run = drive(follow(follower()), socket(WELCOME, other, told("succeeded", "c2", **END)))
    assert [item.cursor for item in run.events] == ["c2"]
    assert len(run.of(NextFrame)) == 3
    assert json.loads(run.steps[2].text)["channel"] == CHANNEL  # type: ignore[union-attr]
