"""``pushjobs.results``: what a handler returns is answered as it was returned."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from pydantic import BaseModel

from pushjobs import FileResult
from pushjobs.exceptions import UnstorableResult
from pushjobs.models import Job
from pushjobs.replaying import replay
from pushjobs.results import store
from tests.unit.conftest import Configure
from tests.unit.records import JOB


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def answered(value: Any) -> tuple[Job, Any, bytes]:
    """The job that keeps a value, its response, and the response's body."""
    job = Job(id=UUID(JOB), attempt=1)
    for name, kept in store(job, value).fields().items():
        setattr(job, name, kept)
    json.dumps(job.result, allow_nan=False)
    response: Any = replay(job, cookies=True)
    body = asyncio.run(whole(response)) if response.streaming else response.content
    response.close()
    return job, response, body


async def whole(response: Any) -> bytes:
    return b"".join([part async for part in response])


@dataclass
class Point:
    x: int


class Model(BaseModel):
    day: datetime.date


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, None),
        ({"a": [1, 2.5, "ü"]}, {"a": [1, 2.5, "ü"]}),
        ([], []),
        (Point(1), {"x": 1}),
        (Model(day=datetime.date(2026, 1, 2)), {"day": "2026-01-02"}),
        ({"at": datetime.date(2026, 1, 2), "id": UUID(JOB)}, {"at": "2026-01-02", "id": JOB}),
        ({3, 1, 2}, [1, 2, 3]),
        ({1: "a"}, {"1": "a"}),
        ({"n": float("nan")}, {"n": None}),
    ],
    ids=repr,
)
def test_a_json_value_is_answered_as_json(value: Any, result: Any) -> None:
    job, response, body = answered(value)
    assert (job.result, json.loads(body)) == (result, result)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_text_and_bytes_are_answered_as_they_are() -> None:
    job, response, body = answered("plain ✓")
    assert (job.result, body.decode()) == ("plain ✓", "plain ✓")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    for value in (b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff")):
        job, response, body = answered(value)
        assert (job.result, body) == (None, b"\x00\xff")
        assert response["Content-Type"] == "application/octet-stream"


def test_a_status_can_go_with_any_value() -> None:
    job, response, _body = answered((201, {"made": True}))
    assert (response.status_code, job.result) == (201, {"made": True})
    assert answered((404, "gone"))[1].status_code == 404


def test_an_http_response_is_answered_with_its_headers_and_cookies() -> None:
    original = HttpResponse("<p>hi</p>", status=203, content_type="text/html; charset=latin1")
    original["X-Made-By"] = "job"
    original["ETag"] = '"x"'
    original.set_cookie("flavour", "oat", max_age=60, httponly=True, samesite="Lax")
    original.set_cookie("second", 'a "quoted" one; with=signs')
    _job, response, body = answered(original)
    assert (response.status_code, body) == (203, original.content)
    for name in ("Content-Type", "X-Made-By", "ETag"):
        assert response[name] == original[name]
    assert response.cookies.output() == original.cookies.output()


def test_a_json_response_shows_its_value_in_the_job() -> None:
    job, response, _ = answered(JsonResponse({"ok": True}, status=418))
    assert (job.result, response.status_code) == ({"ok": True}, 418)
    job, _, body = answered(HttpResponse("{", content_type="application/json"))
    assert (job.result, body) == (None, b"{")


def test_a_streaming_response_is_read_to_its_end() -> None:
    assert answered(StreamingHttpResponse(iter([b"a", b"b"])))[2] == b"ab"


def test_a_file_is_answered_as_a_download(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("a,b\n")
    value = FileResult(
        path, "report ü.csv", "text/csv", {"rows": 1}, headers={"X-Rows": "1"}, delete=True
    )
    job, response, body = answered(value)
    assert (job.result, body) == ({"rows": 1}, b"a,b\n")
    assert (response["Content-Type"], response["X-Rows"]) == ("text/csv", "1")
    assert "report%20%C3%BC.csv" in response["Content-Disposition"]
    assert not path.exists()


def test_a_large_result_is_kept_as_a_file_and_answered_the_same(configure: Configure) -> None:
    configure(INLINE_RESULT=100)
    small, _, _ = answered("x" * 100)
    large, response, body = answered({"text": "x" * 100})
    assert (small.result, small.response_file) == ("x" * 100, "")
    assert (large.result, large.response_body) == (None, None)
    assert json.loads(body) == {"text": "x" * 100}
    assert response["Content-Type"] == "application/json"
    assert not response.has_header("Content-Disposition")


async def chunks() -> AsyncIterator[bytes]:
    for part in (b"a", b"bc"):
        yield part


@pytest.mark.parametrize("streamed", [chunks, lambda: iter([b"a", b"bc"])])
@pytest.mark.parametrize("inline", [10, 1])
def test_a_streaming_response_is_kept_whole(
    streamed: Any, inline: int, configure: Configure
) -> None:
    configure(INLINE_RESULT=inline)
    given = StreamingHttpResponse(streamed(), status=201, headers={"X-Made": "here"})
    job, response, body = answered(given)
    assert (body, response.status_code, response["X-Made"]) == (b"abc", 201, "here")
    assert bool(job.response_file) is (inline == 1)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {"a": object()},
        {object()},
        10**30,
        "caf\udce9",
        {"a": "caf\udce9"},
        (99, "too low"),
        (600, "too high"),
        (True, "no number"),
        FileResult("/nowhere/at/all.csv"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_kept_is_refused_without_a_path(value: Any) -> None:
    with pytest.raises(UnstorableResult) as caught:
        store(Job(id=UUID(JOB), attempt=1), value)
    assert "/nowhere" not in str(caught.value)


def test_what_is_over_the_bound_is_refused(configure: Configure) -> None:
    configure(MAX_RESULT=100)
    assert answered(b"x" * 100)[2] == b"x" * 100
    for value in (b"x" * 101, "x" * 101, HttpResponse(b"x" * 101)):
        with pytest.raises(UnstorableResult, match="101"):
            store(Job(id=UUID(JOB), attempt=1), value)


def test_a_value_in_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(UnstorableResult):
        store(Job(id=UUID(JOB), attempt=1), circle)


@pytest.mark.parametrize(
    "value",
    [
        HttpResponse(status=100),
        HttpResponse(status=101),
        FileResult(__file__, headers={"X Bad Name": "x"}),
        FileResult(__file__, headers={"X-Split": "a\r\nSet-Cookie: b=c"}),
        FileResult(__file__, content_type="text/html\r\nX-Split: 1"),
        FileResult(__file__, data={"value": "nul\x00"}),
    ],
)
def test_a_response_that_could_not_be_sent_is_not_kept(value: Any) -> None:
    with pytest.raises(UnstorableResult):
        store(Job(id=UUID(JOB), attempt=1), value)


def test_headers_that_the_server_sets_are_not_those_of_a_file() -> None:
    headers = {"Content-Length": "3", "Transfer-Encoding": "chunked", "X-Own": "1"}
    stored = store(Job(id=UUID(JOB), attempt=1), FileResult(__file__, headers=headers))
    assert [name for name, _ in stored.response_headers] == ["Content-Disposition", "X-Own"]


def test_a_response_without_a_body_keeps_none() -> None:
    stored = store(Job(id=UUID(JOB), attempt=1), HttpResponse(b"hello", status=204))
    assert (stored.response_status, stored.response_body) == (204, b"")


def test_a_value_that_not_every_database_keeps_is_answered_and_not_shown() -> None:
    stored = store(Job(id=UUID(JOB), attempt=1), {"text": "nul\x00"})
    assert stored.result is None
    assert json.loads(stored.response_body or b"") == {"text": "nul\x00"}
