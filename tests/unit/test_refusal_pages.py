"""What a browser is shown where it is refused: a page; any other client gets the problem itself."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.test import Client

from pushjobs import tokens
from pushjobs.models import Job
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("recorder")]

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PROBLEM, PAGE = "application/problem+json", "text/html; charset=utf-8"


@pytest.fixture
def browser() -> Client:
    """Of no one, and as strict as a real one's server."""
    return Client(enforce_csrf_checks=True, headers=BROWSER)


def log_in(client: Client, **fields: Any) -> Any:
    user = get_user_model().objects.create(username=f"user-{uuid4()}", **fields)
    client.force_login(user)
    return user


def told(client: Client, path: str, method: str = "GET") -> tuple[int, str]:
    """The status and the heading of a page; any other client gets a problem with the same."""
    page = client.generic(method, path)
    problem = client.generic(method, path, headers={"Accept": "application/json"})
    assert (page["Content-Type"], problem["Content-Type"]) == (PAGE, PROBLEM)
    assert problem.status_code == page.status_code == problem.json()["status"]
    assert ("Refresh" in page, "no-store" in page["Cache-Control"]) == (False, True)
    assert "Accept" in page["Vary"]
    assert "Accept" in problem["Vary"]
    return page.status_code, page.text.partition("<h1>")[2].partition("</h1>")[0]


def test_who_is_not_known_is_asked_to_log_in(browser: Client) -> None:
    job = make()
    assert told(browser, f"/jobs/{job.id}/response") == (401, "Please log in")
    assert told(browser, f"/jobs/{job.id}/cancel", "POST") == (401, "Please log in")
    assert browser.get(f"/jobs/{job.id}/response")["WWW-Authenticate"].startswith("Bearer")


def test_who_is_asked_to_log_in_is_led_there_and_back(browser: Client, settings: Any) -> None:
    path = f"/jobs/{make().id}/response"
    assert "<a " not in browser.get(path).text  # The project has no such page.
    settings.LOGIN_URL = "admin:login"
    assert f'<a href="/admin/login/?next={path}">' in browser.get(path).text
    settings.LOGIN_URL = "https://login.example/"
    assert f'<a href="https://login.example/?next={path}">' in browser.get(path).text


def test_anothers_job_and_none_look_the_same(browser: Client) -> None:
    job = make(owner=log_in(browser))
    log_in(browser)
    for unknown in (job.id, uuid4(), "no-id"):
        assert told(browser, f"/jobs/{unknown}/response") == (404, "Not found")


def test_a_job_that_was_removed_is_gone(browser: Client) -> None:
    job_id = uuid4()
    browser.cookies["pushjobs_token"] = tokens.for_job(job_id)
    assert told(browser, f"/jobs/{job_id}/response") == (410, "No longer kept")


def test_a_form_without_its_csrf_token_is_not_allowed(browser: Client) -> None:
    job = make(owner=log_in(browser))
    assert told(browser, f"/jobs/{job.id}/cancel", "POST") == (403, "Not allowed")


def test_while_the_database_is_away_the_page_is_loaded_again(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make(owner=log_in(browser))

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("pushjobs.api.read_job", away)
    page = browser.get(f"/jobs/{job.id}/response")
    assert (page.status_code, page["Content-Type"]) == (503, PAGE)
    assert page["Refresh"] == page["Retry-After"] == "2"
    monkeypatch.setattr("pushjobs.waiting._page", away)  # The project's page needs it as well.
    assert browser.get(f"/jobs/{job.id}/response")["Content-Type"] == PROBLEM


@pytest.mark.parametrize(("right", "button"), [("view_job", False), ("change_job", True)])
def test_only_who_may_cancel_sees_the_button(browser: Client, right: str, button: bool) -> None:
    job = make(owner=log_in(browser))
    staff = log_in(browser, is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_job", right]))
    page = browser.get(f"/jobs/{job.id}/response")
    assert (page.status_code, "<button" in page.text) == (202, button)


def test_a_token_for_reading_shows_no_button(browser: Client) -> None:
    job = make()
    browser.cookies["pushjobs_token"] = tokens.for_job(job.id, frozenset({tokens.READ}))
    page = browser.get(f"/jobs/{job.id}/response")
    assert (page.status_code, "<button" in page.text) == (202, False)


@pytest.mark.usefixtures("postbox")
def test_a_view_that_puts_requests_off_refuses_with_a_page_too(
    browser: Client, configure: Configure, settings: Any, postbox: Postbox
) -> None:
    settings.ROOT_URLCONF = "tests.unit.deferred_views"
    log_in(browser)
    configure(USER_SUBMISSIONS="1/hour")
    assert browser.get("/always").status_code == 303
    assert told(browser, "/always") == (429, "Please try again in a moment")
    assert int(browser.get("/always")["Retry-After"]) > 1000
    configure(USER_SUBMISSIONS="", MAX_BODY=10)
    browser.handler.enforce_csrf_checks = False
    page = browser.post("/always", b"x" * 11, content_type="text/plain")
    assert (page.status_code, "11 bytes; 10 are allowed" in page.text) == (413, True)
    configure(USER_SUBMISSIONS="", ENQUEUE_FALLBACK="reject")
    postbox.down = True
    page = browser.get("/always")
    assert (page.status_code, page["Refresh"]) == (503, "5")
    assert Job.objects.count() == 1
