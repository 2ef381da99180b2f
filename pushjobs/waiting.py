"""Pages for a browser that follows a job: one while it waits, one where it gave no response.

Both are templates that a project may replace: ``pushjobs/waiting.html``, ``pushjobs/ended.html``,
or ``pushjobs/page.html`` around both. They run the project's context processors, which may query:
they are not for an event loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from pushjobs.models import Job
from pushjobs.responses import retry_after

WAITING, ENDED = "pushjobs/waiting.html", "pushjobs/ended.html"
_VARY = ("Accept", "Authorization", "Cookie")


def waiting_page(request: HttpRequest, job: Job, body: Mapping[str, Any]) -> HttpResponse:
    """The page that is shown until a job is over: 202, and live where scripts run.

    ``body`` is the job's document. ``Refresh`` is for browsers in which the page's script does not
    run; where it does, it takes its place.
    """
    seconds = str(retry_after(job, body["progress"]))
    cancelling = job.cancel_requested_at is not None
    context = {"job": body, "percent": _percent(body["progress"]), "cancelling": cancelling}
    response = _page(request, WAITING, context, 202)
    response["Refresh"] = response["Retry-After"] = seconds
    response["Link"] = f'<{body["links"]["events"]}>; rel="monitor"; type="text/event-stream"'
    return response


def ended_page(
    request: HttpRequest, body: Mapping[str, Any], problem: Mapping[str, Any]
) -> HttpResponse:
    """What a browser is shown of a job that failed or was cancelled, with the problem's status."""
    context = {"job": body, "problem": problem, "cancelled": body["status"] == "cancelled"}
    return _page(request, ENDED, context, problem["status"])


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int
) -> HttpResponse:
    response = render(request, template, context, status=status)
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, _VARY)
    return response


def _percent(progress: Mapping[str, Any] | None) -> float | None:
    return progress.get("percent") if progress else None
