"""What a job's response URL answers: what the job produced, or that there is nothing (yet).

A client that asks for HTML gets pages, and follows what a view gives as if it had waited for it;
any other gets the job's document, and problem documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

from pushjobs import flash, results, waiting
from pushjobs.exceptions import Gone
from pushjobs.models import Job
from pushjobs.requests import prefers_html
from pushjobs.responses import failure_of, failure_response, job_response, problem_response
from pushjobs.schemas import document
from pushjobs.status import Status

#: What the answers of the response URL depend on.
_VARY = ("Accept", "Authorization", "Cookie", "Prefer")


def response_page(
    request: HttpRequest, job: Job, body: Mapping[str, Any], *, wait: float | None = None
) -> HttpResponseBase:
    """The answer of the response URL; ``wait`` is the preference that was applied, if any.

    ``body`` is the job's document. Queries, so that it is not for an event loop.
    """
    response: HttpResponseBase
    if job.over:
        response = outcome(request, job)
    elif prefers_html(request):
        response = waiting.waiting_page(request, job, body)
    else:
        response = job_response(request, dict(body), job, wait=wait)
    # It is one client's, and may become another one: unless the view has said how long it lasts.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(response, _VARY)
    return response


def outcome(request: HttpRequest, job: Job) -> HttpResponseBase:
    """The response of a job that is over: exactly what it produced, where it did.

    What a view said with ``messages`` is given to the client with it. Queries.
    """
    if job.status == Status.SUCCEEDED or (job.status == Status.FAILED and job.response_status):
        whole = Job.objects.filter(pk=job.pk).first()  # Polls leave the body out.
        if whole is None:
            raise Gone("the job was removed when its retention ended")
        if whole.flash:
            flash.hand_over(request, job.pk)
        return results.replay(whole, synchronous=not hasattr(request, "scope"))
    if job.status == Status.CANCELLED:
        cancelled = Gone("the job was cancelled")
        if not prefers_html(request):
            return problem_response(cancelled)
        return waiting.ended_page(request, document(job), cancelled.problem())
    if not prefers_html(request):
        return failure_response(job)
    return waiting.ended_page(request, document(job), failure_of(job))
