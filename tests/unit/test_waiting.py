"""The pages for a browser that follows a job, and the form by which it cancels it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import translation

from pushjobs.exceptions import Gone
from pushjobs.models import Job
from pushjobs.schemas import document
from pushjobs.waiting import ended_page, waiting_page

NOW = datetime(2026, 1, 2, tzinfo=UTC)
AS_A_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def job_that(status: str = "running", **fields: Any) -> Job:
    return Job(name="test.job", status=status, started_at=NOW, max_attempts=1, **fields)


def waiting(**fields: Any) -> HttpResponse:
    job = job_that(**fields)
    return waiting_page(RequestFactory().get("/"), job, document(job))


def test_the_waiting_page_says_when_and_where_to_look_again() -> None:
    job = job_that()
    response = waiting_page(RequestFactory().get("/"), job, document(job))
    assert response.status_code == 202
    assert response["Refresh"] == response["Retry-After"] == "30"
    assert response["Link"] == f'</jobs/{job.id}/events>; rel="monitor"; type="text/event-stream"'
    assert response["Cache-Control"] == "private, no-store"
    assert {"Accept", "Authorization", "Cookie"} <= set(response["Vary"].split(", "))


def test_progress_reads_the_same_in_a_language_with_another_decimal_sign() -> None:
    with translation.override("de"):
        page = waiting(progress={"percent": 40.5, "message": None}).text
    assert 'aria-valuenow="40.5"' in page
    assert 'max="100" value="40.5">' in page


def test_without_a_percentage_the_bar_has_no_value() -> None:
    for progress in (None, {"percent": None, "message": "a while"}):
        page = waiting(progress=progress).text
        assert 'role="progressbar"' in page
        assert "aria-valuenow" not in page


def test_what_a_job_says_is_no_markup() -> None:
    page = waiting(progress={"percent": 1, "message": "<script>alert(1)</script>"}).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "queued"}, "Waiting for its turn"),
        ({"status": "scheduled"}, "Waiting for its time"),
        ({"status": "running"}, "In progress"),
        ({"status": "running", "cancel_requested_at": NOW}, "Being cancelled"),
    ],
)
def test_the_waiting_page_says_how_the_job_is(fields: dict[str, Any], said: str) -> None:
    page = waiting(**fields).text
    assert re.search(r'role="status"[^>]*>([^<]+)<', page)[1] == said  # type: ignore[index]
    assert ("<button disabled>" in page) == ("cancel_requested_at" in fields)


@pytest.mark.parametrize(
    ("status", "problem", "said"),
    [
        ("cancelled", Gone("the job was cancelled").problem(), ["Cancelled"]),
        (
            "failed",
            {"title": "No seats", "status": 409, "detail": "<b>"},
            ["No seats", "&lt;b&gt;"],
        ),
    ],
)
def test_a_job_without_a_response_ends_with_a_page(
    status: str, problem: dict[str, Any], said: list[str]
) -> None:
    job = job_that(status)
    response = ended_page(RequestFactory().get("/"), document(job), problem)
    assert response.status_code == problem["status"]
    assert "Refresh" not in response
    assert f"<h1>{said[0]}</h1>" in response.text
    assert all(text in response.text for text in said)


def test_a_project_puts_the_pages_into_its_own(tmp_path: Path) -> None:
    (tmp_path / "pushjobs").mkdir()
    (tmp_path / "base.html").write_text("<header>Our site</header>{% block main %}{% endblock %}")
    blocks = "{% block head %}{% endblock %}{% block content %}{% endblock %}"
    own = f'{{% extends "base.html" %}}{{% block main %}}{blocks}{{% endblock %}}'
    (tmp_path / "pushjobs" / "page.html").write_text(own)
    with override_settings(TEMPLATES=[settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]):
        page = waiting().text
    assert page.startswith("<header>Our site</header>")
    assert "waiting.js" in page
    assert 'role="progressbar"' in page


@pytest.fixture
def visitor(transactional_db: None) -> Client:
    """A browser whose user has logged in."""
    visitor = Client(enforce_csrf_checks=True, headers=AS_A_BROWSER)
    visitor.force_login(get_user_model().objects.create(username="ada"))
    return visitor


@pytest.fixture
def waiting_job(visitor: Client) -> Job:
    """A job of the visitor's that no one runs."""
    owner = get_user_model().objects.get()
    fields = {"queue": "none", "max_attempts": 1, "time_limit": 60, "retention": 60}
    return Job.objects.create(name="test.echo", status="queued", owner=owner, **fields)


def test_the_form_on_the_page_cancels_and_leads_back(visitor: Client, waiting_job: Job) -> None:
    here = f"/jobs/{waiting_job.id}/response"
    page = visitor.get(here).text
    action, token = re.search(r'action="([^"]+)".*?value="([^"]+)"', page, re.DOTALL).groups()  # type: ignore[union-attr]
    for _ in range(2):  # The second time there is nothing left to cancel.
        answer = visitor.post(action, {"csrfmiddlewaretoken": token})
        assert (answer.status_code, answer["Location"]) == (303, here)
    ended = visitor.get(here)
    assert ended.status_code == 410
    assert "<h1>Cancelled</h1>" in ended.text


def test_the_form_of_a_stranger_cancels_nothing(visitor: Client, waiting_job: Job) -> None:
    assert visitor.post(f"/jobs/{waiting_job.id}/cancel").status_code == 403
    waiting_job.refresh_from_db()
    assert waiting_job.status == "queued"
