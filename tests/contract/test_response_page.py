"""A browser and the response URL: pages while it waits, and a cookie where it has no session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.clients import Client, Document
from tests.contract.conftest import LogIn
from tests.contract.followers import http_client
from tests.processes import Server
from tests.waiting import until

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
REPORT = "/demo/report?below=100&steps=1&pause=0"


@pytest.fixture
def browser(any_server: Server) -> Iterator[httpx.Client]:
    """It keeps cookies, asks for HTML, and has no session."""
    with http_client(any_server) as found:
        found.headers.update(HTML)
        yield found


def given(browser: httpx.Client, job: Document) -> None:
    """Let a browser have a job's token as an asynchronous view gives it."""
    domain = browser.base_url.host
    browser.cookies.set("pushjobs_token", job["token"], domain, job["links"]["self"])


def over(browser: httpx.Client, path: str) -> httpx.Response:
    """What a page becomes that is loaded again until it waits no more."""
    found: list[httpx.Response] = []

    def waits_no_more() -> bool:
        found[:] = [browser.get(path)]
        return found[0].status_code != 202

    until(waits_no_more)
    return found[0]


def vary(response: httpx.Response) -> set[str]:
    return {name.strip().lower() for name in response.headers["vary"].split(",")}


def test_a_browser_is_led_to_the_views_own_page(browser: httpx.Client) -> None:
    accepted = browser.get(REPORT)
    assert (accepted.status_code, accepted.headers["cache-control"]) == (303, "no-store")
    page = over(browser, accepted.headers["location"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<strong>25</strong>" in page.text
    assert page.headers["cache-control"] == "private, no-cache"
    assert {"accept", "authorization", "cookie", "prefer"} <= vary(page)
    again = browser.get(accepted.headers["location"])
    assert again.text == page.text
    browser.cookies.clear()
    assert browser.get(accepted.headers["location"]).status_code == 401


def test_a_user_needs_the_session_only(log_in: LogIn) -> None:
    user = log_in("ada")
    accepted = user.get(REPORT, **HTML)
    assert "set-cookie" not in accepted.headers
    page = user.http.get(accepted.headers["location"], headers=HTML | {"Prefer": "wait=20"})
    assert (page.status_code, "<strong>25</strong>" in page.text) == (200, True)
    stranger = log_in("eve").get(accepted.headers["location"], **HTML)
    assert stranger.status_code == 404


def test_the_url_shows_a_page_until_the_job_is_over(
    anyone: Client, browser: httpx.Client, gate: Path
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    given(browser, job)
    waiting = browser.get(job["links"]["response"])
    assert (waiting.status_code, waiting.headers["content-type"]) == (
        202,
        "text/html; charset=utf-8",
    )
    assert int(waiting.headers["refresh"]) >= 1
    assert "no-store" in waiting.headers["cache-control"]
    assert {"accept", "cookie", "prefer"} <= vary(waiting)
    plain = browser.get(job["links"]["response"], headers={"Accept": "application/json"})
    assert (plain.status_code, plain.json()["id"]) == (202, job["id"])
    gate.touch()
    assert over(browser, job["links"]["response"]).text == "released"


@pytest.mark.parametrize(
    ("name", "args", "status"),
    [("test.fail", {}, 500), ("test.refuse", {"message": "no more", "status_code": 409}, 409)],
)
def test_a_job_that_failed_is_a_page_with_its_status(
    anyone: Client, browser: httpx.Client, name: str, args: dict[str, Any], status: int
) -> None:
    job = anyone.submit(name, **args)
    anyone.finished(job)
    given(browser, job)
    page = browser.get(job["links"]["response"])
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")


def test_a_cancelled_job_is_a_page_too(anyone: Client, browser: httpx.Client) -> None:
    job = anyone.post("test.echo", run_at="2099-01-01T00:00:00Z").json()
    assert anyone.cancel(job).status_code == 200
    given(browser, job)
    page = browser.get(job["links"]["response"])
    assert (page.status_code, page.headers["content-type"]) == (410, "text/html; charset=utf-8")


def test_the_cookie_opens_what_its_job_has(anyone: Client, browser: httpx.Client) -> None:
    job = anyone.submit("test.echo", value=1)
    anyone.finished(job)
    given(browser, job)
    assert browser.get(job["links"]["self"]).json()["status"] == "succeeded"
    assert browser.get(job["links"]["response"]).json() == 1
    stream = browser.get(job["links"]["events"], headers={"Accept": "text/event-stream"})
    assert (stream.status_code, "event: job.s" in stream.text) == (200, True)


def test_the_cookie_opens_no_other_job(anyone: Client, browser: httpx.Client) -> None:
    mine, other = anyone.submit("test.echo", value=1), anyone.submit("test.echo", value=2)
    stray = {"Cookie": f"pushjobs_token={mine['token']}"}  # As no browser sends it.
    for path in ("self", "response", "events"):
        assert browser.get(other["links"][path], headers=stray).status_code == 401
    assert browser.post(other["links"]["cancel"], headers=stray).status_code == 401
    assert browser.get("/jobs", headers=stray).status_code == 401


def test_to_cancel_by_cookie_takes_a_csrf_token(anyone: Client, browser: httpx.Client) -> None:
    job = anyone.post("test.echo", run_at="2099-01-01T00:00:00Z").json()
    given(browser, job)
    refused = browser.post(job["links"]["cancel"], headers={"Accept": "application/json"})
    assert refused.status_code == 403
    csrf = {"Cookie": f"csrftoken={'c' * 32}; pushjobs_token={job['token']}"}
    headers = csrf | {"X-CSRFToken": "c" * 32, "Accept": "application/json"}
    cancelled = browser.post(job["links"]["cancel"], headers=headers)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


def test_a_cookie_that_does_not_hold_leaves_the_session_its_rights(log_in: LogIn) -> None:
    user = log_in("ada")
    job = user.submit("test.echo", value=3)
    user.finished(job)
    user.http.cookies.set("pushjobs_token", "forged")
    assert user.get(job["links"]["response"]).json() == 3
