"""What a job's response URL answers: what the job produced, or that there is nothing (yet).

A client that asks for HTML gets pages, and follows what a view gives as if it had waited for it;
any other gets the job's document, and problem documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers

from pushjobs import access, flash, replaying, sessions, waiting
from pushjobs.access import Caller
from pushjobs.conf import settings
from pushjobs.exceptions import Gone
from pushjobs.models import Job
from pushjobs.requests import prefers_html
from pushjobs.responses import failure_of, failure_response, job_response, problem_response
from pushjobs.schemas import document
from pushjobs.status import Status

#: What the answers of the response URL depend on.
_VARY = ("Accept", "Authorization", "Cookie", "Prefer")


def response_page(
    request: HttpRequest,
    job: Job,
    body: Mapping[str, Any],
    *,
    caller: Caller,
    wait: float | None = None,
) -> HttpResponseBase:
    """The answer of the response URL; ``wait`` is the preference that was applied, if any.

    ``body`` is the job's document. Queries, so that it is not for an event loop.
    """
    response: HttpResponseBase
    if job.over:
        response = outcome(request, job, own=access.sent(caller, job))
    elif prefers_html(request):
        cancellable = access.may_cancel(caller, job)
        response = waiting.waiting_page(request, job, body, cancellable=cancellable)
    else:
        response = job_response(request, dict(body), job, wait=wait)
    # It is one client's, whoever may see the view's own URL; and may become another one, unless the
    # view has said how long it lasts.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if "no-store" not in response.headers["Cache-Control"]:
        patch_cache_control(response, private=True)
    patch_vary_headers(response, (*_VARY, settings.TOKEN_HEADER))
    return response


def outcome(request: HttpRequest, job: Job, *, own: bool) -> HttpResponseBase:
    """The response of a job that is over: exactly what it produced, where it did.

    Only to its ``own`` client does it set cookies, and give what a view said with ``messages``.
    Queries.
    """
    if job.status == Status.SUCCEEDED or (job.status == Status.FAILED and job.response_status):
        whole = Job.objects.filter(pk=job.pk).first()  # Polls leave the body out.
        if whole is None:
            raise Gone("the job was removed when its retention ended")
        if own and whole.flash and request.method != "HEAD":  # Which shows no page.
            flash.hand_over(request, job.pk)
        synchronous = not hasattr(request, "scope")
        response = replaying.replay(whole, cookies=own, synchronous=synchronous)
        _drop_ended_session(response)
        return response
    if job.status == Status.CANCELLED:
        cancelled = Gone("the job was cancelled")
        if not prefers_html(request):
            return problem_response(cancelled)
        return waiting.ended_page(request, document(job), cancelled.problem())
    if not prefers_html(request):
        return failure_response(job)
    return waiting.ended_page(request, document(job), failure_of(job))


def _drop_ended_session(response: HttpResponseBase) -> None:
    """A bookmark of a login does not bring back its session, over that of a later one."""
    cookie = response.cookies.get(django_settings.SESSION_COOKIE_NAME)
    if cookie is not None and sessions.has_ended(cookie.value):
        del response.cookies[django_settings.SESSION_COOKIE_NAME]
