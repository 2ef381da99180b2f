"""A captured request that may not run, or not any more: each has a clear end."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches, path

from pushjobs.models import Job
from tests.unit.conftest import Configure
from tests.unit.jobs import make
from tests.unit.views import site
from tests.unit.views.conftest import Browser, run

pytestmark = pytest.mark.django_db

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _calls() -> None:
    CALLS.clear()


def note(request: HttpRequest) -> HttpResponse:
    """Answers in the place of another view."""
    CALLS.append(request.path)
    return HttpResponse("another")


def refused(browser: Browser, job: Job, slug: str, status: int) -> None:
    """Run the job and see that it failed for this reason, having changed nothing."""
    ended = run(job)
    assert (ended.status, ended.attempt) == ("failed", 1)
    assert ended.error["type"] == f"urn:pushjobs:problem:{slug}"
    assert not get_user_model().objects.filter(username="made").exists()
    assert CALLS == []
    answer = browser.fetched(ended)
    assert (answer.status_code, answer.json()["type"]) == (status, ended.error["type"])


def test_a_tampered_request_does_not_run(ada: Browser) -> None:
    job = ada.deferred("/make-user")
    middle = len(job.args["request"]) // 2
    text = job.args["request"]
    changed = "A" if text[middle] != "A" else "B"
    job.args["request"] = text[:middle] + changed + text[middle + 1 :]
    job.save()
    refused(ada, job, "tampered-request", 500)


def test_a_replay_in_another_row_does_not_run(ada: Browser) -> None:
    """A captured request is copied to a job that someone has added."""
    job = ada.deferred("/make-user")
    copy = make(name="pushjobs.view", owner=job.owner, args=job.args)
    refused(ada, copy, "tampered-request", 500)


def test_a_request_does_not_run_as_the_job_of_another_owner(ada: Browser) -> None:
    job = ada.deferred("/make-user")
    other = get_user_model().objects.create(username="mallory")
    Job.objects.filter(pk=job.pk).update(owner=other)
    job.refresh_from_db()
    refused(ada, job, "tampered-request", 500)


@pytest.mark.parametrize("change", ["content", "swap", "fewer"])
def test_a_tampered_file_does_not_reach_the_view(ada: Browser, change: str, settings: Any) -> None:
    two = [SimpleUploadedFile(name, name.encode()) for name in ("a", "b")]
    job = ada.deferred("/make-user", "POST", data={"file": two})
    first, second = job.args["files"]
    match change:
        case "content":
            (settings.MEDIA_ROOT / first["key"]).write_bytes(b"z")
        case "swap":
            job.args["files"] = [second, first]
        case "fewer":
            job.args["files"] = [first]
    job.save()
    refused(ada, job, "tampered-request", 500)


def test_a_large_body_that_was_changed_in_the_storage_does_not_run(
    ada: Browser, configure: Configure, settings: Any
) -> None:
    configure(INLINE_RESULT=5)
    options = {"data": b"0123456789", "content_type": "text/plain"}
    job, other = (ada.deferred("/make-user", "POST", **options) for _ in range(2))
    stored = settings.MEDIA_ROOT / job.args["files"][0]["key"]
    stored.write_bytes((settings.MEDIA_ROOT / other.args["files"][0]["key"]).read_bytes())
    refused(ada, job, "tampered-request", 500)


def test_a_deactivated_user_has_nothing_run(ada: Browser) -> None:
    job = ada.deferred("/make-user")
    get_user_model().objects.update(is_active=False)
    refused(ada, job, "user-deactivated", 403)


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file"])
def test_a_session_that_has_ended_has_nothing_run(ada: Browser, engine: str, settings: Any) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    ada.force_login(get_user_model().objects.get())
    job = ada.deferred("/make-user")
    ada.logout()
    refused(ada, job, "session-ended", 403)


def test_a_session_of_no_one_in_particular_may_end_as_well(browser: Browser) -> None:
    browser.get("/set-session?colour=red")
    job = browser.deferred("/make-user")
    Session.objects.all().delete()
    refused(browser, job, "session-ended", 403)


def test_a_session_that_has_expired_has_nothing_run(ada: Browser) -> None:
    job = ada.deferred("/make-user")
    Session.objects.update(expire_date="2020-01-01T00:00:00Z")
    refused(ada, job, "session-ended", 403)


def test_a_session_that_a_new_password_has_ended_has_nothing_run(ada: Browser) -> None:
    job = ada.deferred("/make-user")
    user = get_user_model().objects.get()
    user.set_password("new")
    user.save()
    refused(ada, job, "session-ended", 403)


def test_a_session_in_a_cookie_goes_with_the_request(ada: Browser, settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    ada.force_login(get_user_model().objects.get())
    assert ada.answered("/look").json()["user"] == "ada"
    ada.answered("/write-session?colour=red")
    assert ada.get("/look").json()["session"] == "red"


@pytest.mark.parametrize(
    "data", [b"x" * 101, {"a": "x" * 101}, {"f": SimpleUploadedFile("f", b"x" * 5000)}]
)
def test_a_body_over_the_limit_is_refused_before_anything_is_kept(
    ada: Browser, data: Any, configure: Configure, settings: Any
) -> None:
    configure(MAX_BODY=100, MAX_UPLOAD=1000)
    options = {"content_type": "text/plain"} if isinstance(data, bytes) else {}
    answer = ada.post("/look", data, headers={"prefer": "respond-async"}, **options)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:pushjobs:problem:too-large")
    assert not Job.objects.exists()
    assert not list(settings.MEDIA_ROOT.rglob("*"))


GONE: list[Any] = []
TAKEN = [path("make-user", note)]


@pytest.mark.parametrize("urls", [GONE, TAKEN], ids=["no URL", "another view"])
def test_a_view_that_no_longer_exists_is_gone(
    ada: Browser, urls: list[Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ada.deferred("/make-user")
    kept = [item for item in site.urlpatterns if str(item.pattern) != "make-user"]
    monkeypatch.setattr(site, "urlpatterns", [*kept, *urls])
    clear_url_caches()
    refused(ada, job, "view-gone", 410)
