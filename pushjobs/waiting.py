"""Pages for a browser that follows a job: while it waits, where it gave no response, and where
there is a problem with the request itself.

Each is a template that a project may replace: ``pushjobs/waiting.html``, ``pushjobs/ended.html``,
``pushjobs/refused.html``, or ``pushjobs/page.html`` around all. They run the project's context
processors, which may query: they are not for an event loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import is_valid_path
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

from pushjobs.exceptions import PushjobsError
from pushjobs.models import Job
from pushjobs.outage import DATABASE_OUTAGE
from pushjobs.requests import prefers_html
from pushjobs.responses import problem_response, retry_after

WAITING, ENDED = "pushjobs/waiting.html", "pushjobs/ended.html"
REFUSED = "pushjobs/refused.html"
_VARY = ("Accept", "Authorization", "Cookie")
_AGAIN = (_("Please try again in a moment"), "")
#: What a visitor is told of a problem, by its status: a heading, and what to do. Of any other, what
#: its document says.
_TOLD = {
    401: (_("Please log in"), _("Only who has sent the request can see what became of it.")),
    403: (_("Not allowed"), _("Go back, load the page again, and try once more.")),
    404: (_("Not found"), _("There is no such request of yours.")),
    410: (_("No longer kept"), _("What became of your request has been removed.")),
    429: _AGAIN,
    503: _AGAIN,
}


def waiting_page(
    request: HttpRequest, job: Job, body: Mapping[str, Any], *, cancellable: bool = True
) -> HttpResponse:
    """The page that is shown until a job is over: 202, and live where scripts run.

    ``body`` is the job's document, ``cancellable`` whether its reader may cancel the job.
    ``Refresh`` is for browsers in which the page's script does not run; where it does, it takes its
    place.
    """
    seconds = str(retry_after(job, body["progress"]))
    context = {
        "job": body,
        "percent": _percent(body["progress"]),
        "cancelling": job.cancel_requested_at is not None,
        "cancellable": cancellable,
    }
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


def refusal(request: HttpRequest, error: PushjobsError) -> HttpResponse:
    """What stands in the place of an answer: a page for a browser, else a problem document.

    The page of a server that is away for a moment is loaded again by itself.
    """
    response = problem_response(error)
    if prefers_html(request):
        with suppress(*DATABASE_OUTAGE):  # The project's own page may need it.
            title, explanation = _TOLD.get(error.status, (error.title, error.detail))
            context = {
                "problem": error.problem(),
                "title": title,
                "explanation": explanation,
                "log_in": _log_in(request) if error.status == 401 else None,
            }
            response = _page(request, REFUSED, context, error.status)
            for name, text in error.headers.items():
                response[name] = text
            if error.status == 503 and request.method == "GET" and "Retry-After" in response:
                response["Refresh"] = response["Retry-After"]
    patch_vary_headers(response, ["Accept"])
    return response


def _log_in(request: HttpRequest) -> str | None:
    """Where to log in and come back, where the project has a page for it."""
    page = resolve_url(django_settings.LOGIN_URL)
    if "://" not in page and not is_valid_path(page):
        return None
    back = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    return redirect_to_login(back, page).url


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int
) -> HttpResponse:
    response = render(request, template, context, status=status)
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, _VARY)
    return response


def _percent(progress: Mapping[str, Any] | None) -> float | None:
    return progress.get("percent") if progress else None
