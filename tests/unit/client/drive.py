"""Plays a server to a flow, by hand: no connection, and no time but the script's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from pushjobs.client.credentials import Credentials
from pushjobs.client.documents import Event
from pushjobs.client.endpoint import Endpoint
from pushjobs.client.follower import Follower, Patience
from pushjobs.client.ladder import Ladder, rungs
from pushjobs.client.steps import Flow, HangUp, NextFrame, Pause, Step, TokenSource

CHANNEL = "job:7"


class Clock:
    """Seconds that pass only in pauses, and where a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Run:
    """What a flow did: each step but pauses and events, which have lists of their own."""

    value: Any = None
    error: BaseException | None = None
    steps: list[Step] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def of(self, kind: type[Any]) -> list[Any]:
        return [step for step in self.steps if isinstance(step, kind)]


def drive(flow: Flow[Any], answer: Callable[[Step], Any], clock: Clock | None = None) -> Run:
    """Do a flow's steps to its end; what ``answer`` returns for one is sent, an error thrown."""
    run = Run()
    given: Any = None
    while True:
        try:
            step = flow.throw(given) if isinstance(given, BaseException) else flow.send(given)
        except StopIteration as end:
            run.value = end.value
            return run
        except Exception as error:
            run.error = error
            return run
        given = None
        if isinstance(step, Event):
            run.events.append(step)
        elif isinstance(step, Pause):
            run.pauses.append(step.seconds)
            if clock is not None:
                clock.now += step.seconds
        else:
            run.steps.append(step)
            given = None if isinstance(step, HangUp) else answer(step)
        assert len(run.steps) < 1000, "the flow does not end"


def follower(
    channel: str = CHANNEL,
    cursor: str | None = None,
    *,
    transports: Sequence[str] = ("websocket", "sse", "polling"),
    tokens: Iterable[TokenSource | None] = (None,),
    clock: Clock | None = None,
    **options: Any,
) -> Follower:
    clock = clock or Clock()
    ladder = Ladder(rungs(transports), start=None, clock=clock, random=lambda: 1.0)
    return Follower(
        Endpoint.of("http://host"),
        channel,
        cursor,
        tokens=[Credentials(token, clock) for token in tokens],
        ladder=ladder,
        patience=options.pop("patience", Patience()),
        clock=clock,
        wall=clock,
        **options,
    )


def event(kind: str, **data: Any) -> dict[str, Any]:
    """An event of the job 7, as it is on the wire."""
    return {
        "channel": CHANNEL,
        "job": "7",
        "name": "test",
        "type": f"job.{kind}",
        "attempt": 1,
        "time": "2026-03-01T12:00:00.000Z",
        "data": data,
    }


STREAM = httpx.Response(200, headers={"Content-Type": "text/event-stream"})
WELCOME = {"type": "welcome", "heartbeat": 25}
SUBSCRIBED = {"type": "subscribed", "channel": CHANNEL, "recovered": True, "cursor": "c1"}
END = {"result": 1, "status_code": 200, "content_type": "application/json"}


def page(*events: dict[str, Any], cursor: str | None = None, ended: bool = False) -> httpx.Response:
    items = [{"cursor": f"c{number}", "event": item} for number, item in enumerate(events, 1)]
    members = {"events": items, "cursor": cursor or f"c{len(events)}", "recovered": True}
    return httpx.Response(200, json=members | {"ended": ended, "more": False})


def problem(status: int, slug: str, **headers: str) -> httpx.Response:
    body = {"type": f"urn:pushjobs:problem:{slug}", "title": slug, "status": status}
    return httpx.Response(status, json=body, headers=headers)


def socket(*frames: Any) -> Callable[[Step], Any]:
    """A server of sockets that says this, one after the other, to whoever opens one."""
    left = list(frames)

    def answer(step: Step) -> Any:
        if not isinstance(step, NextFrame):
            return None
        frame = left.pop(0)
        return json.dumps(frame) if isinstance(frame, dict) else frame

    return answer


def told(kind: str, cursor: str, **data: Any) -> dict[str, Any]:
    members = {"type": "event", "channel": CHANNEL, "cursor": cursor}
    return members | {"event": event(kind, **data)}
