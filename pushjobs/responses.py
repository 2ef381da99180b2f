"""HTTP responses of the API: the job document with its headers, and problem documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from django.http import HttpResponse
from django.utils import timezone

from pushjobs import preferences
from pushjobs.exceptions import PROBLEM_TYPE, PushjobsError
from pushjobs.models import Job

PROBLEM = "application/problem+json"
_RETRY_MIN, _RETRY_MAX = 1, 30


class Request(Protocol):
    """What an answer depends on. Headers are found by their names in lower case."""

    @property
    def method(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


def json_response(value: Any, status: int = 200, **headers: str) -> HttpResponse:
    """A JSON response that no cache keeps."""
    response = HttpResponse(orjson.dumps(value), content_type="application/json", status=status)
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    for name, text in headers.items():
        response[name.replace("_", "-")] = text
    return response


def problem_response(error: PushjobsError) -> HttpResponse:
    """An error's problem document (RFC 9457)."""
    response = HttpResponse(
        orjson.dumps(error.problem()), content_type=PROBLEM, status=error.status
    )
    response["Cache-Control"] = "no-store"
    for name, text in error.headers.items():
        response[name] = text
    return response


def failure_of(job: Job) -> dict[str, Any]:
    """A failed job's error as a problem document's members; it has a status."""
    own = {"type": PROBLEM_TYPE + "job-failed", "title": "The job failed", "status": 500}
    return own | (job.error or {})


def failure_response(job: Job) -> HttpResponse:
    """A failed job's error as the problem document that it is."""
    error = failure_of(job)
    status = int(error["status"])
    response = HttpResponse(orjson.dumps(error), content_type=PROBLEM, status=status)
    response["Cache-Control"] = "no-store"
    return response


def job_response(
    request: Request,
    body: dict[str, Any],
    job: Job,
    *,
    wait: float | None = None,
    status: int | None = None,
) -> HttpResponse:
    """A job's document: 202 with ``Retry-After`` while it is not over, 200 once it is.

    Or 304 where ``If-None-Match`` has it, and no token is to be told. ``wait`` is the preference
    that was applied, if any.
    """
    status = status or (200 if job.over else 202)
    tag = etag(job, body["progress"])
    polled = request.method in ("GET", "HEAD") and "token" not in body
    if polled and tag in _tags(request):
        response = HttpResponse(status=304)
        del response["Content-Type"]
    else:
        response = json_response(body, status)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization, Cookie"
    if wait is not None:
        response["Preference-Applied"] = preferences.applied(wait=wait)
    if not job.over:
        response["Retry-After"] = str(retry_after(job, body["progress"]))
        events = body["links"]["events"]
        response["Link"] = f'<{events}>; rel="monitor"; type="text/event-stream"'
    return response


def etag(job: Job, progress: Any) -> str:
    """A weak validator (RFC 9110, section 8.8.1) of status and progress; cursors do not count."""
    said = hashlib.blake2s(orjson.dumps(progress), digest_size=6).hexdigest()
    return f'W/"{job.version}-{said}"'


def has_changed(request: Request, job: Job, progress: Any) -> bool:
    """Whether the client has another state than the present one."""
    tags = _tags(request)
    return bool(tags) and etag(job, progress) not in tags


def _tags(request: Request) -> set[str]:
    header = request.headers.get("if-none-match", "")
    return {f"W/{tag.strip().removeprefix('W/')}" for tag in header.split(",") if tag.strip()}


def retry_after(job: Job, progress: dict[str, Any] | None) -> int:
    """Seconds after which to ask again: a tenth of what is left, or of what has passed."""
    now = timezone.now()
    if job.status == "scheduled" and job.run_at is not None:
        seconds = (job.run_at - now).total_seconds()
    elif job.started_at is not None and progress and (percent := progress.get("percent")):
        elapsed = (now - job.started_at).total_seconds()
        seconds = elapsed * (100 - percent) / percent / 10
    else:
        seconds = (now - (job.started_at or job.created_at)).total_seconds() / 10
    return round(min(max(seconds, _RETRY_MIN), _RETRY_MAX))
