"""What a follower does next, whatever happens to its connections."""

from __future__ import annotations

import json
from typing import Any

import httpx

from pushjobs.client.errors import Unreachable
from pushjobs.client.follower import Patience
from pushjobs.client.following import follow
from pushjobs.client.steps import (
    Broken,
    Call,
    HangUp,
    Message,
    NextFrame,
    NextMessage,
    OpenSocket,
    OpenStream,
    SendFrame,
    Silent,
    SocketClosed,
    Step,
)
from tests.unit.client.drive import (
    END,
    STREAM,
    SUBSCRIBED,
    WELCOME,
    Clock,
    drive,
    event,
    follower,
    page,
    socket,
    told,
)


def test_a_job_is_over_with_its_last_event_and_nothing_is_asked_after_it() -> None:
    run = drive(
        follow(follower(cursor="c0")),
        socket(WELCOME, SUBSCRIBED, told("started", "c2"), told("succeeded", "c3", **END)),
    )
    assert [item.type for item in run.events] == ["job.started", "job.succeeded"]
    assert isinstance(run.steps[-1], HangUp)
    assert run.error is None


def test_the_cursor_goes_along_from_one_transport_to_the_next() -> None:
    words = [SUBSCRIBED, told("started", "c2"), *3 * [SocketClosed(1006, "")]]
    server = socket(WELCOME, *words[:3], WELCOME, words[3], WELCOME, words[4])

    def answer(step: Step) -> Any:
        if isinstance(step, OpenStream):
            return Broken("no one there")
        if isinstance(step, Call):
            return page(event("succeeded", **END), cursor="c9", ended=True)
        return server(step)

    run = drive(follow(follower(cursor="c0")), answer)
    assert len(run.of(OpenSocket)) == 3  # it was proven
    assert len(run.of(OpenStream)) == 2  # it was not
    frames = [json.loads(step.text)["cursor"] for step in run.of(SendFrame)]
    assert frames == ["c0", "c2", "c2"]
    assert {step.params["cursor"] for step in [*run.of(OpenStream), *run.of(Call)]} == {"c2"}
    assert [item.type for item in run.events] == ["job.started", "job.succeeded"]


def test_a_transport_that_opens_and_stays_silent_is_left_at_once() -> None:
    def answer(step: Step) -> Any:
        if isinstance(step, Call):
            return page(event("succeeded", **END), ended=True)
        return Silent("nothing") if isinstance(step, NextFrame | OpenStream) else None

    run = drive(follow(follower()), answer)
    assert (len(run.of(OpenSocket)), len(run.of(OpenStream)), len(run.of(Call))) == (1, 1, 1)
    assert run.pauses == []


def test_one_that_falls_silent_later_is_tried_again() -> None:
    server = socket(WELCOME, SUBSCRIBED, Silent(""), WELCOME, told("succeeded", "c2", **END))
    run = drive(follow(follower()), server)
    assert len(run.of(OpenSocket)) == 2
    silences = [step.within for step in run.of(NextFrame)]
    assert silences == [5, 55, 55, 5, 55]  # two heartbeats, and some slack


def test_where_all_fail_it_backs_off_and_begins_anew_until_its_patience_ends() -> None:
    clock = Clock()
    one = follower(clock=clock, patience=Patience(outage=120))
    run = drive(follow(one), lambda step: Broken("down"), clock)
    assert isinstance(run.error, Unreachable)
    assert len(run.of(OpenSocket)) > 2
    assert max(run.pauses) == 30
    assert clock.now >= 1120


def test_a_long_silence_in_peace_is_no_outage() -> None:
    clock = Clock()
    quiet = [WELCOME, SUBSCRIBED, {"type": "pong"}, SocketClosed(1006, "")]
    server = socket(*quiet, *quiet, WELCOME, told("succeeded", "c2", **END))

    def answer(step: Step) -> Any:
        clock.now += 1000 if isinstance(step, NextFrame) else 0
        return server(step)

    run = drive(follow(follower(clock=clock)), answer, clock)
    assert run.error is None
    assert len(run.of(OpenSocket)) == 3


def test_an_event_without_an_id_does_not_move_the_cursor() -> None:
    # httpx-sse says the last id once more, as the standard has it.
    ended = json.dumps(event("succeeded", **END))
    blocks = [Message("c1", json.dumps(event("started")), None), Message("c1", ended, None)]
    run = drive(
        follow(follower(transports=["sse"])),
        lambda step: STREAM if isinstance(step, OpenStream) else blocks.pop(0),
    )
    assert [item.cursor for item in run.events] == ["c1", None]


def test_a_stream_that_always_ends_at_once_is_not_asked_without_a_pause() -> None:
    clock = Clock()
    one = follower(transports=["sse"], clock=clock, deadline=1100)
    left = iter(range(1_000_000))

    def answer(step: Step) -> Any:
        if isinstance(step, OpenStream):
            return STREAM
        # Each stream says when to come back, and ends.
        return Message("", "", 100) if next(left) % 2 == 0 else None

    run = drive(follow(one), answer, clock)
    assert isinstance(run.error, TimeoutError)
    assert len(run.of(OpenStream)) < 20


def test_the_end_of_a_stream_is_not_the_end_of_the_job() -> None:
    blocks = iter(
        [
            Message("", "", 500),
            Message("c1", json.dumps(event("started")), None),
            None,
            Message("c2", json.dumps(event("succeeded", **END)), None),
        ]
    )
    run = drive(
        follow(follower(transports=["sse"])),
        lambda step: STREAM if isinstance(step, OpenStream) else next(blocks),
    )
    assert [item.cursor for item in run.events] == ["c1", "c2"]
    assert run.pauses == [0.5]  # as `retry:` asked


def test_204_says_that_all_was_told() -> None:
    run = drive(follow(follower(transports=["sse"])), lambda step: httpx.Response(204))
    assert (run.events, run.error) == ([], None)
    assert len(run.of(OpenStream)) == 1


def test_after_a_time_on_a_lower_rung_the_next_better_one_is_tried_and_kept() -> None:
    clock = Clock()
    up = False

    def answer(step: Step) -> Any:
        if isinstance(step, OpenStream):
            return STREAM if up else Broken("no one there")
        if isinstance(step, NextMessage):
            return Message("c9", json.dumps(event("succeeded", **END)), None)
        if isinstance(step, Call):
            clock.now += 20
            return page(cursor="c5")
        return None

    def later(step: Step) -> Any:
        nonlocal up
        up = clock.now > 1100
        return answer(step)

    run = drive(follow(follower(transports=["sse", "polling"], clock=clock)), later, clock)
    kinds = [type(step).__name__ for step in run.steps if not isinstance(step, HangUp)]
    # Twice at first; after 30 s, and 60 s after that failed.
    assert kinds == [*2 * ["OpenStream"], *2 * ["Call"], "OpenStream", *3 * ["Call"], "OpenStream",
                     "NextMessage"]  # fmt: skip
    assert run.of(OpenStream)[-1].params["cursor"] == "c5"


def test_a_wait_that_a_proxy_cuts_off_becomes_plain_polling() -> None:
    answers = [httpx.Response(504), page(), page(event("succeeded", **END), ended=True)]
    run = drive(follow(follower(transports=["polling"])), lambda step: (
        answers.pop(0) if isinstance(step, Call) else None
    ))  # fmt: skip
    prefer = [step.headers.get("Prefer") for step in run.of(Call)]
    assert prefer == ["wait=25", None, None]
    assert run.pauses == [1.5]


def test_a_server_that_does_not_wait_is_not_asked_all_the_time() -> None:
    clock = Clock()
    answers = [page(), page(), page(event("succeeded", **END), ended=True)]
    run = drive(follow(follower(transports=["polling"])), lambda step: (
        answers.pop(0) if isinstance(step, Call) else None
    ), clock)  # fmt: skip
    assert len(run.pauses) == 2
    assert min(run.pauses) >= 1


def test_the_deadline_holds_on_a_socket_that_says_nothing() -> None:
    clock = Clock()
    server = socket(WELCOME, SUBSCRIBED, Silent(""))

    def answer(step: Step) -> Any:
        given = server(step)
        if isinstance(given, Silent) and isinstance(step, NextFrame):
            clock.now += step.within
        return given

    one = follower(transports=["websocket"], clock=clock, deadline=1010)
    run = drive(follow(one), answer, clock)
    assert isinstance(run.error, TimeoutError)
    assert clock.now == 1010
