"""A request until it is answered: sent again where that is safe, with another token if need be."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any, TypeVar

import httpx

from pushjobs.client import verdicts
from pushjobs.client.backoff import jittered, retry_after
from pushjobs.client.credentials import Credentials
from pushjobs.client.errors import Unreachable
from pushjobs.client.steps import Broken, Call, Flow, Pause
from pushjobs.client.verdicts import Verdict
from pushjobs.client.ways import bearer

_T = TypeVar("_T")

#: How often a request is sent that may be sent again, and the longest that is waited in between.
TRIES, LONGEST_WAIT = 5, 60.0


def ask(
    call: Call, tokens: list[Credentials], *, tries: int = TRIES, any_status: bool = False
) -> Flow[httpx.Response]:
    """The answer of a request that the server took; raises ``Refused`` and ``Unreachable``.

    ``any_status``: it is a job's response, whose status says nothing of another try.
    """
    failures = 0
    while True:
        failures += 1
        try:
            answer = yield from authorised(call, tokens)
        except Broken as broken:
            if failures >= tries:
                raise Unreachable(str(broken)) from broken
            after = 0.0
        else:
            if answer.is_success or (any_status and not verdicts.passing(answer)):
                return answer
            after = retry_after(answer.headers.get("retry-after"), time.time()) or 0.0
            verdict = verdicts.of_problem(verdicts.problem_of(answer))
            if verdict is not Verdict.RETRY or failures >= tries or after > LONGEST_WAIT:
                raise verdicts.refusal(answer)
        yield Pause(max(after, jittered(failures, random.random)))


def authorised(call: Call, tokens: list[Credentials]) -> Flow[httpx.Response]:
    """Ask, with another token where one is refused. Raises ``Refused`` where there is none."""
    refreshed = False
    tokens = list(tokens)
    while True:
        token = yield from tokens[0].token()
        own = {} if token is None else bearer(token)
        answer: httpx.Response = yield replace(call, headers={**call.headers, **own})
        # A job's response may be a 401 of its own.
        if answer.status_code != 401 or not verdicts.unauthorized(answer):
            return answer
        if not refreshed and (yield from tokens[0].refresh()):
            refreshed = True
        elif len(tokens) > 1:
            del tokens[0]
            refreshed = False
        else:
            raise verdicts.refusal(answer)


def until(deadline: float | None, flow: Flow[_T]) -> Flow[_T]:
    """The flow, whose requests and pauses end by then; raises ``TimeoutError``.

    ``deadline`` is a moment of ``time.monotonic``, or None.
    """
    if deadline is None:
        return (yield from flow)
    answer: Any = None
    broken: Broken | None = None
    while True:
        try:
            step = flow.send(answer) if broken is None else flow.throw(broken)
        except StopIteration as end:
            value: _T = end.value
            return value
        left = deadline - time.monotonic()
        if isinstance(step, Call | Pause) and left <= 0:
            raise TimeoutError("the job is not over")
        if isinstance(step, Call):
            step = replace(step, timeout=min(step.timeout, left), within=min(step.within, left))
        elif isinstance(step, Pause):
            step = Pause(min(step.seconds, left))
        answer = broken = None
        try:
            answer = yield step
        except Broken as error:
            broken = error
