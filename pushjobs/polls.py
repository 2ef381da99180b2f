"""Polls by who holds a job's token, answered beside Django's middleware as the streams are.

Such a poll needs one row and no session, and under ASGI each middleware of Django costs it two
threads' turns. Whatever else comes to the URL is Django's to answer: a caller without a token or
with a bad one, another method, a poll that waits, a host that is not in ``ALLOWED_HOSTS``.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.http import HttpResponse
from django.urls import set_script_prefix

from pushjobs import access, channels, tokens
from pushjobs.access import Caller
from pushjobs.exceptions import DatabaseUnavailable, PushjobsError
from pushjobs.jobreading import read_job
from pushjobs.outage import DATABASE_OUTAGE, note_outage
from pushjobs.responses import job_response, problem_response
from pushjobs.transports.request import Scope, StreamRequest, encoded
from pushjobs.writer import Send


class Polls:
    """The ASGI application at ``jobs/<job_id>``, in front of Django's."""

    def __init__(self, django_app: Any) -> None:
        self._django_app = django_app

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        request = StreamRequest(scope)
        caller = _holder(request)
        if caller is None:
            await self._django_app(scope, receive, send)
            return
        set_script_prefix(get_script_prefix(scope))
        response = await _answer(request, caller)
        headers = encoded(response.headers.items()) + request.cors()
        if response.status_code != 304:
            headers.append((b"content-length", b"%d" % len(response.content)))
        status = response.status_code
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})


def _holder(request: StreamRequest) -> Caller | None:
    """Who polls, if by the token of the job that is polled."""
    if request.method != "GET" or "prefer" in request.headers:
        return None
    text = tokens.from_headers(request.headers.get)
    if text is None:
        return None
    try:
        token = tokens.verify(text)
        channel = channels.of_job(access.job_id(request.job_id))
    except PushjobsError:
        return None
    own = token.kind == "job" and token.covers(channel, tokens.READ)
    return Caller(token=token) if own and _is_for_us(request) else None


def _is_for_us(request: StreamRequest) -> bool:
    try:
        ASGIRequest(request.scope, BytesIO()).get_host()
    except (DisallowedHost, UnicodeDecodeError):
        return False
    return True


async def _answer(request: StreamRequest, caller: Caller) -> HttpResponse:
    try:
        job, body = await read_job(caller, request.job_id)
    except PushjobsError as error:
        return problem_response(error)
    except DATABASE_OUTAGE as error:
        note_outage("a poll", error)
        return problem_response(DatabaseUnavailable())
    return job_response(request, body, job)
