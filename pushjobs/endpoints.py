"""``AsyncEndpoint``: one URL that starts a job and answers its polls; ``accepted`` for any view.

The first request is answered with 202 (RFC 9110, section 15.3.3), a token and the URL to poll. Each
poll runs in a request of its own, with that request's user, which renders what the job came to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable, iscoroutinefunction
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views import View

from pushjobs import access, preferences, replaying, requests, submission, tokens
from pushjobs.access import Caller
from pushjobs.cursor import EARLIEST
from pushjobs.exceptions import Gone, NotFound, PushjobsError
from pushjobs.jobreading import read_job, wait_for_own, wait_until_over
from pushjobs.models import Job
from pushjobs.registry import name_of
from pushjobs.responses import failure_response, job_response, json_response, problem_response
from pushjobs.schemas import document
from pushjobs.status import Status
from pushjobs.throttling import throttle
from pushjobs.transactions import atomic_requests, own_transactions


def accepted(request: HttpRequest, job: Job, *, location: str | None = None) -> HttpResponse:
    """The answer to a request that has submitted ``job``: 202, or 200 where it is over already.

    Its body is the job document with a token; ``Location`` is the URL to poll, ``/jobs/<id>`` where
    none is given.
    """
    body = document(job, cursor=EARLIEST) | {"token": tokens.for_job(job.id)}
    response = job_response(request, body, job)
    response["Cache-Control"] = "no-store"  # The token is for who asked.
    response["Location"] = location or body["links"]["self"]
    return response


class AsyncEndpoint(View):
    """A view whose answer takes a job; name it in ``job``, and say how to render what it came to.

    ``GET`` or ``POST`` submits the job, with what ``arguments`` makes of the request, and is
    answered as ``accepted`` says. The same URL with ``?job=<id>``, which ``Location`` names,
    answers 202 while the job is not over and then what ``render_done`` or ``render_failed`` makes
    of it: to who has the job's token, and to whose job it is. In either, ``Prefer: wait=N``
    (RFC 7240) waits for the job's end. Each of these methods may be ``def`` or ``async def``; the
    renderings return a response, a JSON value, or ``(status code, JSON value)``.

    An unknown job, another one's and that of another endpoint are 404, a cancelled one is 410, as
    is one that its retention has removed.
    """

    #: What ``@job`` decorated, or its name.
    job: ClassVar[Any] = None
    http_method_names: ClassVar[list[str]] = ["get", "post", "head", "options"]  # type: ignore[misc]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        if initkwargs.get("job", cls.job) is None:
            raise ImproperlyConfigured(f"{cls.__name__}.job names no job")
        return own_transactions(super().as_view(**initkwargs))

    def arguments(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The job's arguments by name; ``kwargs`` are those of the URL."""
        return {}

    def submit(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Submit the job for this request; override it to give tags, a delay or another owner."""
        return self._submit(request, kwargs)

    def render_done(self, request: HttpRequest, job: Job) -> Any:
        """The answer for a job that has succeeded; what the job returned, where not overridden."""
        own = access.sent(requests.caller_of(request), job)
        return replaying.replay(job, cookies=own, synchronous=not hasattr(request, "scope"))

    def render_failed(self, request: HttpRequest, job: Job) -> Any:
        """The answer for a job that has failed; its problem document, where not overridden.

        A JSON value is sent with the failure's own status code.
        """
        return failure_response(job)

    async def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if (job_id := request.GET.get("job")) is None:
            return await self.post(request, **kwargs)
        return await _answered(self._poll(request, job_id))

    async def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return await _answered(self._start(request, kwargs))

    async def _start(self, request: HttpRequest, kwargs: dict[str, Any]) -> HttpResponseBase:
        caller = await _in_thread(_admitted)(request)
        job: Job = await _called(self.submit, request, **kwargs)
        if job.name != name_of(self.job):
            raise ImproperlyConfigured(f"{type(self).__name__}.submit gave a job {job.name!r}")
        wait = requests.wait_of(request)
        if wait is not None:
            job, waited = await wait_for_own(job, wait, caller.address)
            wait = wait if waited else None
            if job.over:
                return _applied(await self._rendered(request, job), wait)
        query = request.GET.copy()
        query["job"] = str(job.id)
        location = f"{request.path}?{query.urlencode()}"
        return _applied(accepted(request, job, location=location), wait)

    async def _submit(self, request: HttpRequest, kwargs: dict[str, Any]) -> Job:
        arguments = await _called(self.arguments, request, **kwargs)
        return await _called(self._submitted, request, arguments)  # type: ignore[no-any-return]

    def _submitted(self, request: HttpRequest, arguments: Mapping[str, Any]) -> Job:
        user = getattr(request, "user", None)
        owner = user if user is not None and user.is_authenticated else None
        key = requests.idempotency_key(request, Caller(user=owner))
        return submission.submit(self.job, arguments, owner=owner, idempotency_key=key)

    async def _poll(self, request: HttpRequest, job_id: str) -> HttpResponseBase:
        caller = await _in_thread(requests.caller_of)(request)
        job, body = await self._read(caller, job_id)
        wait = requests.wait_of(request)
        if wait and not job.over:
            _, waited = await wait_until_over(caller, job, wait)
            wait = wait if waited else None
            job, body = await self._read(caller, job_id)
        if job.over:
            return _applied(await self._rendered(request, job), wait)
        return job_response(request, body, job, wait=wait)

    async def _read(self, caller: Caller, job_id: str) -> tuple[Job, dict[str, Any]]:
        job, body = await read_job(caller, job_id)
        if job.name != name_of(self.job):
            raise NotFound()
        return job, body

    async def _rendered(self, request: HttpRequest, job: Job) -> HttpResponseBase:
        # Whole, since what is read for polls leaves the stored response out.
        whole = await Job.objects.filter(pk=job.pk).afirst()
        if whole is None:
            raise Gone("the job was removed when its retention ended")
        match whole.status:
            case Status.SUCCEEDED:
                return _response(await _called(self.render_done, request, whole), 200)
            case Status.FAILED:
                status = int((whole.error or {}).get("status", 500))
                return _response(await _called(self.render_failed, request, whole), status)
            case _:
                raise Gone("the job was cancelled")


def _admitted(request: HttpRequest) -> Caller:
    caller = requests.caller_of(request)
    throttle.admit(caller)
    return caller


async def _answered(answer: Awaitable[HttpResponseBase]) -> HttpResponseBase:
    """An answer, or the problem in its way; no one else's, and another one a moment later."""
    try:
        response = await answer
    except PushjobsError as error:
        response = problem_response(error)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(response, ("Authorization", "Cookie", "Prefer"))
    return response


def _applied(response: HttpResponseBase, wait: float | None) -> HttpResponseBase:
    """A response that says how long a wait was agreed to, if any (RFC 7240, section 3)."""
    if wait is not None:
        response["Preference-Applied"] = preferences.applied(wait=wait)
    return response


def _response(value: Any, status: int) -> HttpResponseBase:
    match value:
        case HttpResponseBase():
            return value
        case (int() as own_status, body) if isinstance(value, tuple):
            return json_response(body, int(own_status))
        case _:
            return json_response(value, status)


async def _called(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if iscoroutinefunction(method):
        return await method(*args, **kwargs)
    value = await _in_thread(_in_transaction)(method, *args, **kwargs)
    return await value if isawaitable(value) else value


def _in_transaction(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """As a whole view runs where ``ATOMIC_REQUESTS`` says so."""
    with atomic_requests():
        return method(*args, **kwargs)


def _in_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    # The request's own thread, as Django runs a synchronous view.
    return sync_to_async(function, thread_sensitive=True)
