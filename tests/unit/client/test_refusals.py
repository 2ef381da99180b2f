"""What a follower does where the server will not tell, or not now."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pushjobs.client.errors import Refused
from pushjobs.client.following import follow
from pushjobs.client.steps import AskToken, Call, SendFrame, SocketClosed, Step
from tests.unit.client.drive import (
    CHANNEL,
    END,
    WELCOME,
    drive,
    event,
    follower,
    page,
    problem,
    socket,
    told,
)


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_where_it_is_of_no_use_it_stops(status: int) -> None:
    run = drive(
        follow(follower(transports=["sse", "polling"])), lambda step: problem(status, "gone")
    )
    assert isinstance(run.error, Refused)
    assert (run.error.status, run.error.code) == (status, "gone")
    assert len(run.steps) == 1


def test_a_cursor_that_is_none_is_dropped() -> None:
    answers = [problem(400, "invalid-cursor"), page(event("succeeded", **END), ended=True)]
    one = follower(cursor="garbage", transports=["polling"])
    run = drive(follow(one), lambda step: answers.pop(0) if isinstance(step, Call) else None)
    assert [step.params.get("cursor") for step in run.of(Call)] == ["garbage", None]


def test_retry_after_is_heeded() -> None:
    answers = [
        problem(503, "server-busy", **{"Retry-After": "9"}),
        page(event("succeeded", **END), ended=True),
    ]
    one = follower(transports=["polling"])
    run = drive(follow(one), lambda step: answers.pop(0) if isinstance(step, Call) else None)
    assert run.pauses == [9]


def test_a_token_that_is_refused_is_got_anew_once() -> None:
    tokens = iter(["old", "new", "newer"])

    def answer(step: Step) -> Any:
        if isinstance(step, AskToken):
            return next(tokens)
        return problem(401, "unauthorized") if isinstance(step, Call) else None

    one = follower(transports=["polling"], tokens=[lambda: "never called"])
    run = drive(follow(one), answer)
    assert isinstance(run.error, Refused)
    sent = [step.headers["X-Job-Authorization"] for step in run.of(Call)]
    assert sent == ["Bearer old", "Bearer new"]


def test_a_job_whose_own_token_has_expired_is_opened_by_the_clients() -> None:
    frames = [
        WELCOME,
        {"type": "error", "code": "unauthorized", "detail": "", "channel": CHANNEL},
        told("succeeded", "c2", **END),
    ]
    run = drive(follow(follower(tokens=["the job's", "mine"])), socket(*frames))
    sent = [json.loads(step.text)["token"] for step in run.of(SendFrame)]
    assert sent == ["the job's", "mine"]
    assert run.error is None


@pytest.mark.parametrize(("code", "refused"), [(3500, True), (3502, True), (3001, False)])
def test_a_close_code_carries_the_verdict(code: int, refused: bool) -> None:
    server = socket(WELCOME, SocketClosed(code, "why"), WELCOME, told("succeeded", "c2", **END))
    run = drive(follow(follower()), server)
    assert isinstance(run.error, Refused) is refused
