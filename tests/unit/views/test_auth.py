"""Whose request it is, where the view's own framework finds out; no credential is kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile

from pushjobs.models import Job
from tests.unit.views.api_site import OncePerCaller, OncePerUser
from tests.unit.views.conftest import Browser, run

pytestmark = pytest.mark.django_db

DRF = ["inside", "outside", "set", "set-outside", "function", "function-outside"]
BEARER = {"authorization": "Bearer token-of-ada"}
TOKEN = {"authorization": "Token token-of-ada"}


@pytest.fixture(autouse=True)
def _apis(settings: Any, _site: None) -> None:
    settings.ROOT_URLCONF = "tests.unit.views.api_site"
    get_user_model().objects.create(username="ada")


def kept(job: Job) -> str:
    return str(Job.objects.filter(pk=job.pk).values().get())


def test_a_ninja_view_has_the_user_that_its_authentication_found(browser: Browser) -> None:
    options = {"data": {"a": 1}, "content_type": "application/json", "headers": BEARER}
    response = browser.answered("/ninja/user?amount=2", "POST", **options)
    assert response.json() == {"auth": "ada", "owner": "ada", "body": {"a": 1}, "amount": 2}
    assert response.job.owner == get_user_model().objects.get()
    assert "token-of-ada" not in kept(response.job)


def test_an_async_ninja_view_has_it_as_well(browser: Browser) -> None:
    response = browser.answered("/ninja/async-user", headers=BEARER)
    assert response.json() == {"auth": "ada", "owner": "ada"}


def test_a_ninja_view_has_another_row_that_its_authentication_found(browser: Browser) -> None:
    Group.objects.create(name="ada")
    response = browser.answered("/ninja/group", headers=BEARER)
    assert response.json() == {"auth": "ada", "owner": "None"}


def test_what_a_request_was_authenticated_with_may_be_gone_by_then(browser: Browser) -> None:
    Group.objects.create(name="ada")
    job = browser.deferred("/ninja/group", headers=BEARER)
    Group.objects.all().delete()
    assert run(job).error["type"] == "urn:pushjobs:problem:session-ended"


def test_a_ninja_view_has_the_claims_that_its_authentication_found(browser: Browser) -> None:
    response = browser.answered("/ninja/claims", headers=BEARER)
    assert response.json() == {"auth": "{'scope': 'read'}", "owner": "None"}


def test_an_authentication_that_returns_its_credential_is_refused_clearly(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    headers = BEARER | {"prefer": "respond-async"}
    assert browser.get("/ninja/echo", headers=BEARER).status_code == 200
    assert browser.get("/ninja/echo", headers=headers).status_code == 500
    assert "let it return the user" in caplog.text
    assert not Job.objects.exists()


def test_no_one_else_gets_by_a_ninja_views_authentication(browser: Browser) -> None:
    """The callback that a job has put before it lets only restored requests pass."""
    browser.answered("/ninja/claims", headers=BEARER)
    for prefer in ({}, {"prefer": "respond-async"}):
        assert browser.get("/ninja/claims", headers=prefer).status_code == 401


def test_a_deactivated_user_of_a_token_has_nothing_run(browser: Browser) -> None:
    job = browser.deferred("/drf/inside", "POST", headers=TOKEN)
    get_user_model().objects.update(is_active=False)
    assert run(job).error["type"] == "urn:pushjobs:problem:user-deactivated"


@pytest.mark.parametrize("path", [*DRF, "by-token"])
def test_a_drf_view_has_the_user_that_its_authenticators_found(browser: Browser, path: str) -> None:
    options = {"data": {"a": 1}, "content_type": "application/json", "headers": TOKEN}
    response = browser.answered(f"/drf/{path}", "POST", **options)
    assert response.json() == {"user": "ada", "owner": "ada", "data": {"a": 1}, "files": {}}
    assert "token-of-ada" not in kept(response.job)


@pytest.mark.parametrize("path", DRF)
def test_a_drf_view_has_the_files_of_its_form(browser: Browser, path: str) -> None:
    data = {"note": "x", "file": SimpleUploadedFile("a.txt", b"content")}
    response = browser.answered(f"/drf/{path}", "POST", data=data, headers=TOKEN)
    assert response.json()["files"] == {"file": "content"}
    assert response.json()["data"] == {"note": "x"}


@pytest.mark.parametrize("path", DRF)
def test_a_drf_view_has_the_sessions_user(browser: Browser, path: str) -> None:
    browser.force_login(get_user_model().objects.get())
    response = browser.answered(f"/drf/{path}", "POST", data={"note": "x"})
    assert response.json()["user"] == "ada"


@pytest.mark.parametrize("path", DRF)
def test_a_drf_view_refuses_at_once_whom_its_authenticators_refuse(
    browser: Browser, path: str
) -> None:
    wrong = {"authorization": "Token of-no-one", "prefer": "respond-async"}
    answer = browser.post(f"/drf/{path}", headers=wrong)
    assert (answer.status_code, answer.json()["detail"]) == (401, "no such token")
    assert not Job.objects.exists()


@pytest.fixture
def throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No throttle has had anyone."""
    for throttle in (OncePerCaller, OncePerUser):
        monkeypatch.setattr(throttle, "had", [])


@pytest.mark.usefixtures("throttled")
@pytest.mark.parametrize("path", ["/drf/once", "/ninja/once", "/ninja/once-async"])
def test_a_throttle_of_the_views_framework_counts_a_request_once(
    browser: Browser, path: str
) -> None:
    assert browser.answered(path).json() == {"user": "any"}
    for prefer in ({}, {"prefer": "respond-async"}):
        assert browser.get(path, headers=prefer).status_code == 429


@pytest.mark.usefixtures("throttled")
def test_a_throttle_inside_of_the_decorator_counts_what_runs(browser: Browser) -> None:
    first, second = (browser.deferred("/drf/once-outside") for _ in range(2))
    assert [browser.fetched(run(job)).status_code for job in (first, second)] == [200, 429]
