"""Whatever a view does is what its client gets, and how its job ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from pushjobs import execution, lifecycle
from pushjobs.running import Shutdown, TimeLimitExceeded, running
from tests.unit.conftest import Configure
from tests.unit.jobs import fresh
from tests.unit.recorder import Recorder
from tests.unit.views.conftest import Browser, run
from tests.waiting import until

pytestmark = pytest.mark.django_db

BROKEN = ["/broken", "/broken-async"]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/stream", 200, b"en-us and ada"),
        ("/stream-async", 200, b"one two"),
        ("/redirect", 302, b""),
        ("/teapot", 500, b'{"short": "stout"}'),
    ],
)
def test_a_response_is_kept_and_replayed_as_it_was(
    ada: Browser, path: str, status: int, body: bytes
) -> None:
    for _ in range(2):
        response = ada.answered(path)
        assert response.job.status == "succeeded"
        assert (response.status_code, response.getvalue()) == (status, body)
    assert response.get("Location") == ("/elsewhere?a=1" if path == "/redirect" else None)


def test_cookies_and_headers_are_those_of_the_view(ada: Browser) -> None:
    direct, later = ada.get("/cookies"), ada.answered("/cookies")
    assert later.job.status == "succeeded"
    assert later.status_code == 201
    assert later["X-Made-By"] == "view"
    assert set(direct.cookies) == set(later.cookies) == {"flavour", "stale"}
    for name, morsel in direct.cookies.items():
        kept = later.cookies[name]
        assert kept.value == morsel.value
        for flag in ("path", "httponly", "samesite", "max-age"):
            assert str(kept[flag]) == str(morsel[flag])


def test_a_file_is_replayed_from_the_storage(
    ada: Browser, tmp_path: Path, configure: Configure
) -> None:
    configure(INLINE_RESULT=100)
    path = tmp_path / "data"
    path.write_bytes(b"x" * 1000)
    response = ada.answered(f"/download?path={path}")
    assert response.job.response_file
    assert response.job.response_body is None
    path.unlink()
    assert response.getvalue() == b"x" * 1000
    assert response["Content-Disposition"] == 'attachment; filename="report.csv"'
    assert (response["Content-Type"], response["Content-Length"]) == ("text/csv", "1000")


def test_a_response_over_the_limit_fails_the_job(ada: Browser, configure: Configure) -> None:
    configure(MAX_RESULT=5)
    response = ada.answered("/stream")
    assert response.job.status == "failed"
    assert response.json()["type"] == "urn:pushjobs:problem:unstorable-result"


@pytest.mark.parametrize("path", BROKEN)
def test_an_exception_fails_the_job_with_the_projects_500_page(ada: Browser, path: str) -> None:
    direct, later = ada.get(path), ada.answered(path)
    assert later.job.status == "failed"
    assert later.job.error["detail"] == "the view raised ValueError"
    assert "a secret path" in later.job.traceback
    assert later.job.attempt == 1
    assert (later.status_code, later.content) == (500, direct.content)
    assert b"secret" not in later.content


@pytest.mark.parametrize("path", BROKEN)
def test_under_debug_it_fails_with_the_page_that_shows_the_traceback(
    ada: Browser, path: str, settings: Any
) -> None:
    settings.DEBUG = True
    later = ada.answered(path)
    assert later.job.status == "failed"
    assert later.status_code == 500
    assert b"a secret path" in later.getvalue()


def test_an_error_is_logged_where_it_happens_and_not_at_each_replay(
    ada: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    response = ada.answered("/broken")
    ada.fetched(response.job)
    errors = [item for item in caplog.records if item.levelno >= logging.WARNING]
    assert [item.name for item in errors] == ["django.request"]
    assert errors[0].exc_info is not None


def test_an_exception_that_django_lets_through_fails_the_job_all_the_same(
    ada: Browser, settings: Any
) -> None:
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    job = run(ada.deferred("/broken"))
    assert (job.status, job.attempt, job.response_status) == ("failed", 1, None)
    assert job.error["detail"] == "the view raised ValueError"


@pytest.mark.parametrize("debug", [True, False])
def test_not_found_is_an_answer(ada: Browser, debug: bool, settings: Any) -> None:
    settings.DEBUG = debug
    later = ada.answered("/missing")
    assert (later.job.status, later.status_code) == ("succeeded", 404)
    assert (b"no such thing" in later.content) is debug


@pytest.mark.parametrize("atomic", [True, False])
def test_atomic_requests_roll_back_what_a_failing_view_wrote(
    ada: Browser, atomic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic)
    made = get_user_model().objects.filter(username="made")
    assert ada.answered("/make-user?fail").job.status == "failed"
    assert made.exists() is not atomic
    made.delete()
    assert ada.answered("/make-user").job.status == "succeeded"
    assert made.exists()


def test_a_view_tells_progress_and_output(ada: Browser, recorder: Recorder) -> None:
    ada.answered("/tell")
    assert {event.type for event in recorder.said} == {"job.output", "job.progress"}


def test_a_view_that_runs_synchronously_tells_no_one(ada: Browser, recorder: Recorder) -> None:
    assert ada.get("/tell").content == b"NoRun 0 ada"
    assert recorder.said == []


@pytest.mark.parametrize("path", ["/give-up", "/notice"])
def test_a_view_that_heeds_its_jobs_cancel_has_no_error(
    ada: Browser, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = run(ada.deferred(path))
    assert job.status == "cancelled"
    assert [item for item in caplog.records if item.levelno >= logging.WARNING] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/look-async", b'{"user": "ada", "exists": true, "body": ""}'),
        ("/stream-async", b"one two"),
        ("/look", b'"user": "ada"'),
    ],
)
def test_a_workers_thread_runs_any_view(
    ada: Browser, path: str, body: bytes, in_thread: Callable[[Callable[[], Any]], Any]
) -> None:
    """With Dramatiq's event loop beside it, and its own connection to the database."""
    job = ada.deferred(path)
    with in_thread(lambda: run(job)):
        pass
    assert body in ada.fetched(fresh(job)).content


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/wait", "/wait-async"])
def test_a_view_is_interrupted_at_its_jobs_time(
    ada: Browser, path: str, in_thread: Callable[[Callable[[], Any]], Any]
) -> None:
    job = ada.deferred(path)
    assert lifecycle.start(job, running.worker)
    with in_thread(lambda: execution.execute(job)):
        until(lambda: any(each.in_handler for each in running.attempts()))
        for attempt in running.attempts():
            attempt.interrupt(TimeLimitExceeded)
    assert fresh(job).error["type"].endswith("time-limit")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("method", "path", "status", "counted"),
    [
        ("GET", "/wait", "queued", 0),
        ("POST", "/wait", "failed", 1),
        ("POST", "/wait-async", "failed", 1),
        ("POST", "/wait-twice", "queued", 0),
    ],
)
def test_a_server_that_stops_runs_a_view_again_only_where_that_does_no_harm(
    ada: Browser,
    method: str,
    path: str,
    status: str,
    counted: int,
    recorder: Recorder,
    in_thread: Callable[[Callable[[], Any]], Any],
) -> None:
    job = ada.deferred(path, method)
    assert lifecycle.start(job, running.worker)
    with in_thread(lambda: execution.execute(job)):
        until(lambda: bool(recorder.said))
        for attempt in running.attempts():
            attempt.interrupt(Shutdown)
    ended = fresh(job)
    assert (ended.status, ended.attempt - ended.released) == (status, counted)
    if status == "failed":
        assert ada.fetched(ended).status_code == 503
