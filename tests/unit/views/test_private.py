"""What is one client's is no other's: jobs that are joined, caches, cookies and messages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from pushjobs.models import Job
from tests.unit.views.conftest import Browser, run

pytestmark = pytest.mark.django_db

CACHING = (
    "django.middleware.cache.UpdateCacheMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",
)


@pytest.fixture(autouse=True)
def _private_site(settings: Any, _site: None) -> None:
    settings.ROOT_URLCONF = "tests.unit.views.private_site"
    cache.clear()


def browser_of(name: str, **fields: Any) -> Browser:
    found = Browser(raise_request_exception=False)
    user, _ = get_user_model().objects.get_or_create(username=name, defaults=fields)
    found.force_login(user)
    return found


def job_of(answer: Any) -> Job:
    assert answer.status_code == 202, answer.content
    return Job.objects.get(pk=answer.json()["id"])


def whole(job: Job, browser: Browser, token: str | None = None) -> Any:
    """What the response URL itself answers."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return browser.get(f"/jobs/{job.id}/response", headers=headers)


def test_callers_whom_only_their_key_tells_apart_join_no_job_of_one_another(
    browser: Browser,
) -> None:
    first = job_of(browser.get("/api/tenant", headers={"x-api-key": "key-of-one"}))
    assert job_of(browser.get("/api/tenant", headers={"x-api-key": "key-of-one"})) == first
    assert job_of(browser.get("/api/tenant", headers={"x-api-key": "key-of-two"})) != first
    run(first)
    assert browser.get("/api/tenant", headers={"x-api-key": "key-of-one"}).json() == {"tenant": 1}
    assert browser.get("/api/tenant", headers={"x-api-key": "key-of-two"}).status_code == 202


def test_another_session_joins_no_job_even_if_it_is_the_same_users() -> None:
    """What a session holds, a filter say, shows in the response."""
    here, there = browser_of("ada"), browser_of("ada")
    first = job_of(here.get("/joined"))
    assert job_of(there.get("/joined")) != first
    assert job_of(here.get("/joined")) == first


@pytest.mark.parametrize("header", ["hx-request", "x-requested-with", "accept"])
def test_a_request_for_a_part_of_the_page_joins_none_for_the_whole(
    ada: Browser, header: str
) -> None:
    assert job_of(ada.get("/joined")) != job_of(ada.get("/joined", headers={header: "yes"}))


@pytest.mark.parametrize("path", ["/by-cookie", "/name"])
def test_what_a_cache_keeps_of_a_page_is_given_to_no_other_user(path: str, settings: Any) -> None:
    if path == "/name":
        settings.MIDDLEWARE = [CACHING[0], *settings.MIDDLEWARE, CACHING[1]]
    names = ("ada", "eve")
    assert [browser_of(name).answered(path).content.decode() for name in names] == [*names]
    assert Browser().answered(path).content == b"AnonymousUser"
    assert browser_of("ada").answered(path).content == b"ada"


def test_what_varies_on_a_header_that_is_not_kept_is_not_cached(ada: Browser) -> None:
    assert ada.answered("/by-header").content == b"ada"
    assert Browser().get("/by-header").content == b"AnonymousUser"


@pytest.mark.django_db(transaction=True)
def test_staff_who_read_a_users_response_are_given_no_cookie_and_no_message(ada: Browser) -> None:
    job = run(ada.deferred("/personal"))
    staff = browser_of("grace", is_staff=True, is_superuser=True)
    response = whole(job, staff)
    assert (response.content, list(response.cookies)) == (b"ada", [])
    assert staff.get("/shown").json()["messages"] == []
    assert set(whole(job, ada).cookies) == {"device", "messages"}


@pytest.mark.django_db(transaction=True)
def test_a_token_that_a_user_makes_for_others_brings_no_cookie(ada: Browser) -> None:
    job = run(ada.deferred("/personal"))
    body = {"channels": ["user:me"], "scope": ["read", "cancel"]}
    token = ada.post("/jobs/tokens", body, content_type="application/json").json()["token"]
    response = whole(job, Browser(), token)
    assert (response.status_code, list(response.cookies)) == (200, [])


@pytest.mark.django_db(transaction=True)
def test_strangers_who_share_a_job_share_no_session() -> None:
    first, second, third = Browser(), Browser(), Browser()
    answers = [each.get("/joined-by-all") for each in (first, second)]
    job = job_of(answers[0])
    assert job_of(answers[1]) == job
    run(job)
    responses = [
        whole(job, each, answer.json()["token"])
        for each, answer in zip((second, first), reversed(answers), strict=True)
    ]
    assert list(responses[0].cookies) == []
    assert set(responses[1].cookies) == {"device", "messages", "sessionid"}
    assert {response.content for response in responses} == {b"AnonymousUser"}
    assert not {"device", "sessionid"} & third.get("/joined-by-all").cookies.keys()


@pytest.mark.django_db(transaction=True)
def test_no_shared_cache_may_keep_what_is_at_a_jobs_url(ada: Browser) -> None:
    """Its view's own URL is for all; the job's is for who may have the job."""
    assert ada.get("/public")["Cache-Control"] == "public, max-age=60"
    response = whole(run(ada.deferred("/public")), ada)
    assert response["Cache-Control"] == "max-age=60, private"
    assert {"Authorization", "Cookie", "X-JOB-AUTHORIZATION"} <= set(response["Vary"].split(", "))


def test_a_bookmark_of_a_logout_does_not_end_a_later_session(ada: Browser) -> None:
    job = run(ada.deferred("/leave"))
    assert ada.get("/look").json()["user"] == "AnonymousUser"
    ada.force_login(get_user_model().objects.get())
    ada.fetched(job)
    assert ada.get("/look").json()["user"] == "ada"


def test_a_bookmark_of_a_login_does_not_undo_a_later_one(browser: Browser) -> None:
    users = get_user_model().objects
    users.create(username="grace")
    job = run(browser.deferred("/enter?name=grace"))
    browser.fetched(job)
    assert browser.get("/look").json()["user"] == "grace"
    browser.logout()
    browser.force_login(users.create(username="ada"))
    assert "sessionid" not in browser.fetched(job).cookies
    assert browser.get("/look").json()["user"] == "ada"
