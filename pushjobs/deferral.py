"""A request to a decorated view, put off: submitted as a job, and answered where to look for it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import SESSION_KEY
from django.db import router, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_vary_headers

from pushjobs import preferences, tokens, viewjob
from pushjobs.access import Caller
from pushjobs.conf import settings
from pushjobs.cursor import EARLIEST
from pushjobs.exceptions import DatabaseUnavailable, PushjobsError
from pushjobs.jobreading import wait_for_own
from pushjobs.models import Job
from pushjobs.outage import DATABASE_OUTAGE, note_outage
from pushjobs.requests import idempotency_key, prefers_html, wait_of
from pushjobs.responsepage import outcome
from pushjobs.responses import json_response, retry_after
from pushjobs.schemas import document, links
from pushjobs.submission import Accepted
from pushjobs.throttling import throttle
from pushjobs.viewauth import http_request, identity_of
from pushjobs.viewjob import ViewOptions
from pushjobs.waiting import refusal

When = Literal["preferred", "always"] | Callable[[HttpRequest], bool]
#: Whether identical requests share a job, or a function that gives the key of those that do.
Coalesce = bool | Callable[[HttpRequest], str | None]

#: What has no work to put off: a CORS preflight, a question about the resource.
_AT_ONCE = frozenset({"OPTIONS", "TRACE"})
#: Seconds between two looks at a job that is waited for without a hub.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Policy:
    """Which requests of one view are put off, and how; see ``respond_async``."""

    options: ViewOptions
    when: When
    after: float | None = None
    coalesce: Coalesce = False
    keep: float | None = None

    def defers(self, request: HttpRequest) -> bool:
        """Whether the request becomes a job. A callable ``when`` may query."""
        if request.method in _AT_ONCE:
            return False
        if callable(self.when):
            return bool(self.when(request))
        return self.when == "always" or preferences.respond_async(_prefer(request))


@dataclass(frozen=True, slots=True)
class _Deferred:
    """A request that was put off; ``wait`` is how many seconds its answer may take, or None."""

    accepted: Accepted
    scope: frozenset[str]
    wait: float | None
    waited: bool = False

    @property
    def job(self) -> Job:
        return self.accepted.job


def respond(request: Any, policy: Policy) -> HttpResponseBase:
    """Put a request off and answer it. ``request`` is Django's, or DRF's around it.

    Raises ``AnswerNow`` where the view is to answer it itself.
    """
    http = http_request(request)
    try:
        deferred = _submit(request, http, policy)
        if deferred.wait is not None and not deferred.job.over:
            deferred = _wait(http, deferred)
        return _answer(http, deferred)
    except (PushjobsError, *DATABASE_OUTAGE) as error:
        return _refused(http, error)


async def arespond(request: Any, policy: Policy) -> HttpResponseBase:
    """As ``respond``, on an event loop."""
    http = http_request(request)
    try:
        deferred = await sync_to_async(_submit)(request, http, policy)
        if deferred.wait is not None and not deferred.job.over:
            deferred = await _wait_on_hub(http, deferred)
        return await sync_to_async(_answer)(http, deferred)
    except (PushjobsError, *DATABASE_OUTAGE) as error:
        return await sync_to_async(_refused)(http, error)


def _refused(http: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, PushjobsError):
        return refusal(http, error)
    note_outage("a request that is put off", error)
    return refusal(http, DatabaseUnavailable())


def _prefer(request: HttpRequest) -> str:
    return request.headers.get("prefer", "")


def _submit(request: Any, http: HttpRequest, policy: Policy) -> _Deferred:
    user = getattr(request, "user", None)
    known = user if user is not None and user.is_authenticated else None
    caller = Caller(user=known, address=http.META.get("REMOTE_ADDR") or "")
    throttle.admit(caller)
    links(None)  # A URLconf that a middleware chose may have none: found out before a job is made.
    accepted = viewjob.submit_view(
        request,
        options=policy.options,
        idempotency_key=idempotency_key(http, caller),
        coalesce=_coalesce_key(request, policy),
        keep=policy.keep,
    )
    # A key of the project's own may be shared by strangers; none of them stops the others' job.
    shared = accepted.joined and callable(policy.coalesce) and accepted.job.owner_id is None
    wait = wait_of(http)
    if wait is None and policy.after is not None:
        wait = min(policy.after, settings.MAX_WAIT)
    if transaction.get_connection(router.db_for_write(Job)).in_atomic_block:
        wait = None  # The job begins when the transaction has committed.
    return _Deferred(accepted, frozenset({tokens.READ}) if shared else tokens.SCOPES, wait)


def _coalesce_key(request: Any, policy: Policy) -> str | None:
    if callable(policy.coalesce):
        key = policy.coalesce(request)
        named = f"{policy.options.view} {key}".encode()
        return None if key is None else hashlib.sha256(named).hexdigest()
    # Strangers share nothing: the view may give each a session, say.
    return viewjob.sharing_key(request) if policy.coalesce and _is_someone(request) else None


def _is_someone(request: Any) -> bool:
    session = getattr(http_request(request), "session", None)
    if session is not None and session.session_key:
        return True
    identity = identity_of(request)
    return identity.user is not None or identity.auth is not None


def _wait(http: HttpRequest, deferred: _Deferred) -> _Deferred:
    if hasattr(http, "scope"):
        return async_to_sync(_wait_on_hub)(http, deferred)
    assert deferred.wait is not None
    job, deadline, pause = deferred.job, time.monotonic() + deferred.wait, _FIRST_PAUSE
    try:
        while not job.over and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            job = Job.objects.defer("response_body", "traceback").filter(pk=job.pk).first() or job
    except DATABASE_OUTAGE as error:
        note_outage("who waits for a job", error)
        return deferred  # It is accepted, whatever becomes of the wait.
    return replace(deferred, accepted=replace(deferred.accepted, job=job), waited=True)


async def _wait_on_hub(http: HttpRequest, deferred: _Deferred) -> _Deferred:
    assert deferred.wait is not None
    address = http.META.get("REMOTE_ADDR") or ""
    job, waited = await wait_for_own(deferred.job, deferred.wait, address)
    return replace(deferred, accepted=replace(deferred.accepted, job=job), waited=waited)


def _answer(http: HttpRequest, deferred: _Deferred) -> HttpResponseBase:
    job = deferred.job
    done = job.over and (deferred.wait is not None or deferred.accepted.joined)
    response: HttpResponseBase
    if done:
        response = outcome(http, job, own=tokens.CANCEL in deferred.scope)
    elif prefers_html(http):
        response = _redirect(http, deferred)
    else:
        response = _document(http, deferred)
    if deferred.accepted.replayed:
        response["Idempotent-Replayed"] = "true"
    applied = preferences.applied(
        respond_async=not done and preferences.respond_async(_prefer(http)),
        wait=wait_of(http) if deferred.waited or done else None,
    )
    if applied:
        response["Preference-Applied"] = applied
    return response


def _document(http: HttpRequest, deferred: _Deferred) -> HttpResponse:
    """202 (RFC 9110, section 15.3.3), and where the response will be."""
    job = deferred.job
    body = document(job, cursor=EARLIEST)
    body["token"] = tokens.for_job(job.id, deferred.scope)
    response = json_response(body, 202)
    response["Location"] = body["links"]["response"]
    own, events = body["links"]["self"], body["links"]["events"]
    response["Link"] = (
        f'<{own}>; rel="monitor", <{events}>; rel="monitor"; type="text/event-stream"'
    )
    response["Retry-After"] = str(retry_after(job, body["progress"]))
    patch_vary_headers(response, ["Accept"])
    return response


def _redirect(http: HttpRequest, deferred: _Deferred) -> HttpResponse:
    """303 (RFC 9110, section 15.4.4): the page at the response's URL waits for it."""
    job = deferred.job
    at = links(job.id)
    response = HttpResponseRedirect(at["response"])
    response.status_code = 303
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    if not _knows(http, job):
        response.set_cookie(
            settings.TOKEN_COOKIE,
            tokens.for_job(job.id, deferred.scope),
            max_age=int(settings.TOKEN_LIFETIME),
            path=at["self"],
            secure=http.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response


def _knows(http: HttpRequest, job: Job) -> bool:
    """Whether the browser's session is that of the job's owner, and so opens the job."""
    session = getattr(http, "session", None)
    in_session = session.get(SESSION_KEY) if session is not None else None
    return job.owner_id is not None and str(job.owner_id) == in_session
