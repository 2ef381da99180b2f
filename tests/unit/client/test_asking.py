"""Requests: which are sent again, and what of a refusal the caller sees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from pushjobs.client.api import Api, content
from pushjobs.client.credentials import Credentials
from pushjobs.client.documents import Job
from pushjobs.client.endpoint import Endpoint
from pushjobs.client.errors import ClientError, JobCancelled, JobFailed, Refused, Unreachable
from pushjobs.client.ladder import rungs
from pushjobs.client.steps import AskToken, Broken, Call, Step, TokenSource
from tests.unit.client.drive import Clock, Run, drive, problem

DOCUMENT: dict[str, Any] = {
    "id": "7",
    "name": "test",
    "status": "queued",
    "attempt": 0,
    "max_attempts": 3,
    "progress": None,
    "result": None,
    "error": None,
    "tags": ["a"],
    "created_at": "2026-03-01T12:00:00.000Z",
    "run_at": None,
    "started_at": None,
    "finished_at": None,
    "expires_at": None,
    "cursor": "c0",
    "links": {"self": "/jobs/7"},
}


def api(token: TokenSource | None = None) -> Api:
    return Api(Endpoint.of("http://host"), Credentials(token, Clock()), rungs(["polling"]))


def document(**members: Any) -> httpx.Response:
    return httpx.Response(200, json=DOCUMENT | members)


def submitted(*answers: Any, **options: Any) -> Run:
    given: dict[str, Any] = {"parts": (), "tags": (), "run_at": None, "idempotency_key": None}
    left = list(answers)
    flow = api().submit("test", {"top": 3}, **given | {"wait": None} | options)
    return drive(flow, lambda step: left.pop(0))


def test_a_submission_is_sent_again_with_the_same_key() -> None:
    run = submitted(Broken("lost"), problem(503, "broker-unavailable"), document(token="t"))
    keys = {call.headers["Idempotency-Key"] for call in run.of(Call)}
    assert len(run.of(Call)) == 3
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert run.value.token == "t"
    assert "token='t'" not in repr(run.value)


def test_one_with_files_is_a_form_and_one_without_is_json() -> None:
    form, body = (
        submitted(document(), parts=parts, tags=["a"]).of(Call)[0]
        for parts in ([("table", ("x.csv", b"1"))], [])
    )
    assert form.form == {"name": "test", "args": '{"top": 3}', "tags": '["a"]'}
    assert form.files == (("table", ("x.csv", b"1")),)
    assert body.json == {"name": "test", "args": {"top": 3}, "tags": ["a"]}


def test_it_gives_up_after_five_tries() -> None:
    run = submitted(*5 * [Broken("down")])
    assert isinstance(run.error, Unreachable)
    assert len(run.pauses) == 4


@pytest.mark.parametrize(("after", "pauses"), [("3", [3]), ("3600", [])])
def test_it_waits_as_long_as_is_asked_but_not_for_ever(after: str, pauses: list[float]) -> None:
    refusal = problem(429, "too-many-requests", **{"Retry-After": after})
    run = submitted(refusal, document())
    assert run.pauses == pauses
    assert isinstance(run.error, Refused) is not pauses


def test_what_does_not_fit_is_said() -> None:
    body = problem(422, "invalid-arguments").json()
    errors = {"errors": [{"loc": ["args", "top"], "msg": "too small"}]}
    run = submitted(httpx.Response(422, json=body | errors))
    assert isinstance(run.error, Refused)
    assert str(run.error) == "invalid-arguments: args.top: too small"
    assert len(run.of(Call)) == 1


def test_an_answer_that_is_no_document_is_an_error() -> None:
    run = submitted(httpx.Response(200, text="<h1>Hello</h1>"))
    assert isinstance(run.error, ClientError)


def test_a_time_without_a_zone_is_refused() -> None:
    run = submitted(run_at=datetime(2030, 1, 1))  # noqa: DTZ001
    assert isinstance(run.error, ValueError)


def test_a_retry_is_never_sent_twice() -> None:
    run = drive(api().retry("7"), lambda step: Broken("lost"))
    assert isinstance(run.error, Unreachable)
    assert len(run.of(Call)) == 1


def test_another_token_is_got_where_one_is_refused() -> None:
    tokens = iter(["old", "new"])

    def answer(step: Step) -> Any:
        if isinstance(step, AskToken):
            return next(tokens)
        assert isinstance(step, Call)
        fresh = step.headers["X-Job-Authorization"] == "Bearer new"
        return document() if fresh else problem(401, "unauthorized")

    run = drive(api(lambda: "").get("7"), answer)
    assert run.value.id == "7"
    assert len(run.of(Call)) == 2


def test_the_response_of_a_job_is_its_own_whatever_its_status() -> None:
    done = Job.read(DOCUMENT | {"status": "succeeded"})
    for status in (401, 404, 503):
        answer = httpx.Response(status, text="mine")
        run = drive(api().response(done, None), lambda step, answer=answer: answer)
        assert run.value is answer


def test_a_result_that_is_not_in_the_document_is_fetched() -> None:
    done = Job.read(DOCUMENT | {"status": "succeeded"})
    run = drive(api().result(done, None), lambda step: httpx.Response(200, json={"big": 1}))
    assert run.value == {"big": 1}


@pytest.mark.parametrize(("status", "error"), [("failed", JobFailed), ("cancelled", JobCancelled)])
def test_a_job_without_a_result_raises(status: str, error: type[ClientError]) -> None:
    found = Job.read(DOCUMENT | {"status": status, "error": {"title": "no more seats"}})
    run = drive(api().result(found, None), lambda step: None)
    assert type(run.error) is error
    assert run.error.job is found  # type: ignore[attr-defined]


def test_content_is_json_text_or_bytes() -> None:
    given = [("application/problem+json", b"{}"), ("text/csv", b"a"), ("video/mp4", b"a")]
    found = [
        content(httpx.Response(200, headers={"Content-Type": kind}, content=body))
        for kind, body in given
    ]
    assert found == [{}, "a", b"a"]
    assert content(httpx.Response(204)) is None


def test_a_channel_that_is_none_is_refused() -> None:
    run = drive(api().follow("team:a", None), lambda step: None)
    assert isinstance(run.error, ValueError)
