"""The JSON API: submit, read, list, cancel, retry and tokens; OpenAPI comes with it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from pydantic import Field, ValidationError

from pushjobs import __version__, access, lifecycle, openapi, requests, submission, tokens
from pushjobs import channels as channel_names
from pushjobs.access import Caller
from pushjobs.conf import settings
from pushjobs.cursor import EARLIEST
from pushjobs.events import rfc3339
from pushjobs.exceptions import Conflict, InvalidArguments, Unauthorized
from pushjobs.jobreading import (
    cursor_of,
    read_job,
    wait_for_change,
    wait_for_own,
    wait_until_over,
)
from pushjobs.jobsapi import JobsAPI, with_pages
from pushjobs.models import Job, new_id
from pushjobs.openapi import TokenRequest
from pushjobs.registry import registry
from pushjobs.responsepage import response_page
from pushjobs.responses import has_changed, job_response, json_response
from pushjobs.schemas import document, links
from pushjobs.status import Status
from pushjobs.throttling import throttle
from pushjobs.uploads import by_parameter

JOB = "/jobs/{job_id}"


api = JobsAPI(
    title="Pushjobs",
    version=__version__,
    description="Submit background jobs and learn what became of them.",
    urls_namespace="pushjobs",
    openapi_url="/jobs/openapi.json",
    docs_url="/jobs/docs",
)

#: Threads that serve all requests, and keep their database connections.
in_thread: Any = partial(database_sync_to_async, thread_sensitive=False)


@dataclass(frozen=True, slots=True)
class _Submitted:
    """An accepted job as its client is told of it, and where its channel stood before."""

    job: Job
    cursor: str
    replayed: bool
    address: str


@api.post("/jobs", url_name="jobs", **openapi.SUBMIT)
async def submit(request: HttpRequest) -> HttpResponseBase:
    """Submit a job."""
    submitted: _Submitted = await in_thread(_submitted)(request)
    job, wait = submitted.job, requests.wait_of(request)
    if wait is not None:
        job, waited = await wait_for_own(job, wait, submitted.address)
        wait = wait if waited else None
    return _told(request, replace(submitted, job=job), wait)


@api.in_one_turn("jobs")
def submit_without_wait(request: HttpRequest) -> HttpResponseBase:
    """``submit`` where no one asks to wait, in the thread that serves the whole request."""
    return _told(request, _submitted(request))


def _submitted(request: HttpRequest) -> _Submitted:
    caller = _admitted(request)
    read = requests.submission(request)
    body, spec = read.body, registry.get(read.body.name)
    access.may_submit(caller, spec)
    job_id = new_id()
    cursor = async_to_sync(cursor_of)(job_id)  # After all that may be refused: it opens a channel.
    accepted = submission.accept(
        spec,
        args=body.args,
        uploads=by_parameter(spec, read.uploads),
        owner=caller.user,
        idempotency_key=requests.idempotency_key(request, caller),
        tags=body.tags,
        run_at=body.run_at,
        job_id=job_id,
    )
    job = accepted.job
    if accepted.replayed:
        cursor = async_to_sync(cursor_of)(job.id)
        # As it is no earlier than at the cursor.
        job = Job.objects.defer("response_body", "traceback").filter(pk=job.pk).first() or job
    return _Submitted(job, cursor, accepted.replayed, caller.address)


def _told(
    request: HttpRequest, submitted: _Submitted, wait: float | None = None
) -> HttpResponseBase:
    job = submitted.job
    body = document(job, cursor=submitted.cursor) | {"token": tokens.for_job(job.id)}
    response = job_response(request, body, job, wait=wait)
    response["Location"] = body["links"]["self"]
    if submitted.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _admitted(request: HttpRequest) -> Caller:
    """Who asks, unless they ask too often."""
    caller = requests.caller_of(request)
    throttle.admit(caller)
    return caller


@api.get("/jobs", url_name="jobs", **openapi.LIST)
def list_jobs(
    request: HttpRequest,
    status: Status | None = None,
    name: str | None = None,
    tag: str | None = None,
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
    after: str | None = None,
) -> HttpResponseBase:
    """List the caller's jobs, the newest first."""
    caller = requests.caller_of(request)
    access.channel(caller, channel_names.ME if tag is None else f"{channel_names.TAG}:{tag}")
    jobs = Job.objects.filter(owner_id=caller.user_id).defer("response_body", "traceback")
    if status is not None:
        jobs = jobs.filter(status=status)
    if name is not None:
        jobs = jobs.filter(name=name) if name.isprintable() else jobs.none()
    if tag is not None:
        jobs = jobs.filter(tag_rows__name=tag)
    if after is not None:
        jobs = jobs.filter(pk__lt=access.job_id(after))
    page = list(jobs.order_by("-id")[: limit + 1])
    following = str(page[limit - 1].id) if len(page) > limit else None
    return json_response({"jobs": [document(job) for job in page[:limit]], "next": following})


# Before the URLs with an id, one of which would take it.
@api.post("/jobs/tokens", url_name="tokens", **openapi.MAKE_TOKEN)
def make_token(request: HttpRequest) -> HttpResponseBase:
    """Make a token for some of the logged-in user's channels, for a phone or another origin."""
    caller = _admitted(request)
    if caller.user is None:
        raise Unauthorized("log in to make a token")
    try:
        asked = TokenRequest.model_validate(requests.json_object(request))
    except ValidationError as error:
        raise InvalidArguments(requests.errors_of(error)) from None
    access.grantable(caller, asked.channels, asked.scope)
    lifetime = min(asked.expires_in, settings.TOKEN_LIFETIME)
    expires = datetime.fromtimestamp(int(time.time() + lifetime), UTC)
    token = tokens.for_user(caller.user_id, asked.channels, asked.scope, lifetime)
    return json_response({"token": token, "expires_at": rfc3339(expires)})


@api.get(JOB, url_name="job", **openapi.READ)
async def read(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Read a job: 202 while it is not over, 200 once it is."""
    caller = await in_thread(requests.caller_of)(request)
    job, body = await read_job(caller, job_id)
    wait = requests.wait_of(request)
    if wait and not job.over and not has_changed(request, job, body["progress"]):
        wait = wait if await wait_for_change(caller, job, wait) else None
        job, body = await read_job(caller, job_id)
    return job_response(request, body, job, wait=wait)


@api.get(JOB + "/response", url_name="response", **openapi.RESPONSE)
@with_pages
async def response(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Read the response that a job produced; 202 while it is not over."""
    caller = await in_thread(requests.caller_of)(request)
    job, body = await read_job(caller, job_id)
    wait = requests.wait_of(request)
    if wait and not job.over:
        _, waited = await wait_until_over(caller, job, wait)
        wait = wait if waited else None
        job, body = await read_job(caller, job_id)
    page = partial(response_page, caller=caller, wait=wait)
    answer: HttpResponseBase = await in_thread(page)(request, job, body)
    return answer


@api.post(JOB + "/cancel", url_name="cancel", **openapi.CANCEL)
@with_pages
def cancel(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Cancel a job: 200 when it is cancelled, 202 when its handler has yet to be told.

    A form in a browser is sent on to the job's response, whether the job was over or not.
    """
    caller = requests.caller_of(request)
    job = _found(caller, job_id, tokens.CANCEL)
    if requests.prefers_html(request):
        with suppress(Conflict):
            lifecycle.cancel(job)
        return HttpResponseRedirect(links(job.id)["response"], status=303)
    lifecycle.cancel(job)
    return job_response(request, document(job), job)


@api.post(JOB + "/retry", url_name="retry", **openapi.RETRY)
def retry(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Submit a failed or cancelled job once more, as a new job."""
    caller = _admitted(request)
    found = _found(caller, job_id, tokens.CANCEL)
    spec = registry.get(found.name)
    if spec.allow != "internal" and (found.owner_id is not None or caller.token is None):
        access.may_submit(Caller(user=caller.user or found.owner), spec)
    job = submission.again(found, owner=found.owner).job
    body = document(job, cursor=EARLIEST) | {"token": tokens.for_job(job.id)}
    answer = job_response(request, body, job)
    answer["Location"] = body["links"]["self"]
    return answer


def _found(caller: Caller, job_id: str, scope: str) -> Job:
    key = access.job_id(job_id)
    return access.job(caller, key, Job.objects.filter(pk=key).first(), scope)
