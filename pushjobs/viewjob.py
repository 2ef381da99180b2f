"""The job ``pushjobs.view``: a captured request, run through the project's middleware to its view.

The outcome is the response that the view gives, whatever its status. Only an exception that ended
as a 500 page, and a request that may not run any more, fail the job.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import current_thread, main_thread
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from django.core.files.base import ContentFile
from django.http import HttpRequest, HttpResponseBase
from django.utils.http import escape_leading_slashes
from dramatiq.middleware import Interrupt
from pydantic import ValidationError

from pushjobs import flash, submission
from pushjobs.capture import Capture, capture
from pushjobs.captured import Captured
from pushjobs.context import NoRun, Run
from pushjobs.exceptions import (
    Cancelled,
    Failed,
    Superseded,
    TamperedRequest,
    UnstorableResult,
)
from pushjobs.files import InputFile
from pushjobs.models import new_id
from pushjobs.registry import job, registry
from pushjobs.restoring import Restored, drop_known_cookies, restore, restored_from, surroundings
from pushjobs.results import Answer, FailedResponse
from pushjobs.retention import RetentionOption
from pushjobs.sealing import Seal
from pushjobs.spooling import materialised
from pushjobs.submission import Accepted
from pushjobs.viewauth import http_request, identity_of
from pushjobs.viewhandler import close, get_handler

NAME = "pushjobs.view"
_SAFE = frozenset({"GET", "HEAD"})
_CAPTURED = "_pushjobs_captured"
_ANYWHERE = "http://host.invalid"  # Without a host, what leads out of the root stays relative.


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What ``respond_async`` says of the jobs of one view; None leaves it to the settings.

    ``view`` is the view's dotted name, for people to read. ``time_limit`` is in
    seconds. Without ``max_attempts`` a GET or HEAD has ``MAX_ATTEMPTS``, any other method one.
    """

    view: str
    max_attempts: int | None = None
    time_limit: float | None = None
    queue: str | None = None
    priority: int | None = None
    retention: RetentionOption | None = None


def sharing_key(request: Any) -> str:
    """What identical requests of one session, or of one user without any, have in common.

    64 hex digits. Raises as ``submit_view`` does.
    """
    return _captured(request)[0].record.sharing_key()


def submit_view(
    request: Any,
    *,
    options: ViewOptions,
    idempotency_key: str | None = None,
    coalesce: str | None = None,
    keep: float | None = None,
) -> Accepted:
    """Capture a request, Django's or DRF's, and submit it. Not to be called on an event loop.

    ``coalesce`` and ``keep`` (seconds) are as for ``submission.accept``; ``sharing_key`` gives a
    fitting key. Raises ``TooLarge``, ``BadRequest``, what ``submission.accept`` raises, and
    ``viewauth.AnswerNow`` where the view's authentication refuses the caller: let it answer.
    """
    taken, user = _captured(request)
    record, job_id = taken.record, new_id()
    owner = user.pk if user is not None else None
    files: list[Any] = list(taken.uploads)
    if taken.body is not None:
        sealed_body = Seal(job_id, owner, "body").seal(taken.body)
        files.insert(0, ContentFile(sealed_body, name="body"))
    sealed = Seal(job_id, owner, "request").seal(record.model_dump_json().encode())
    return submission.accept(
        registry.get(NAME),
        args={"view": options.view, "request": sealed.decode()},
        uploads={"files": files},
        owner=user,
        job_id=job_id,
        idempotency_key=idempotency_key,
        fingerprint=record.fingerprint(),
        coalesce_key=coalesce,
        keep=keep,
        max_attempts=options.max_attempts or (None if record.method in _SAFE else 1),
        time_limit=options.time_limit,
        queue=options.queue,
        priority=options.priority,
        retention=options.retention,
    )


def running(request: Any) -> Run | None:
    """The ``Run`` of a request that a job restored; None for one from a client.

    Takes DRF's request as well.
    """
    known = restored_from(request)
    return known.run if known is not None else None


def run_of(request: Any) -> Run:
    """The ``Run`` of a view's request: to tell progress and emit output, and to heed a cancel.

    Where the view runs synchronously it is one that tells no one, and is never cancelled.
    """
    return running(request) or NoRun(getattr(request, "user", None))


@job(name=NAME, allow="internal")
def respond(run: Run, view: str, request: str, files: list[InputFile]) -> Answer:
    """Restore a request and have it answered. ``view`` is for people who look at the row."""
    owner = run.owner_id
    try:
        opened = Seal(run.job_id, owner, "request").unseal(request.encode())
        record = Captured.model_validate_json(opened)
    except ValidationError:
        raise TamperedRequest("it is of another version of the software") from None
    body = record.body or b""
    if record.body_stored:
        with files[0].open() as source:
            body = Seal(run.job_id, owner, "body").unseal(source.read())
    uploads = files[record.body_stored :]
    if len(uploads) != len(record.uploads):
        raise TamperedRequest("it has other files")
    with surroundings(record):
        return _answered(restore(record, run, body, uploads))


def _answered(request: HttpRequest) -> Answer:
    known = restored_from(request)
    assert known is not None
    response: HttpResponseBase | None = None
    # More than one attempt of an unsafe method has only who asked for it.
    known.run.unrepeatable = request.method not in _SAFE and known.run.max_attempts == 1
    try:
        with known.contexts:
            response = _response_of(request, known)
            if known.ended is not None:
                raise known.ended
            if isinstance(known.raised, (Cancelled, Superseded)):
                raise known.raised
            drop_known_cookies(request, response)
            _resolve_location(request, response)
            with _without_answer():
                whole = materialised(response)
            answer = Answer(whole, flash.take_out(request, response))
    finally:
        if response is not None:
            close(response)
        else:
            request.close()
    if known.raised is not None:
        raise _failure(known.raised, answer) from known.raised
    return answer


def _resolve_location(request: HttpRequest, response: HttpResponseBase) -> None:
    """Make a relative redirect one from the request's URL (RFC 9110, section 10.2.2).

    It is told at another one.
    """
    location = response.headers.get("Location")
    if location is None:
        return
    try:
        parts = urlsplit(location)
    except ValueError:
        return
    if not (parts.scheme or parts.netloc or parts.path.startswith("/")):
        found = urlsplit(urljoin(_ANYWHERE + request.get_full_path(), location))
        # What leads out of the site's root, as "..//x" does, leads to no other host.
        path = escape_leading_slashes(found.path)
        response.headers["Location"] = urlunsplit(("", "", path, found.query, found.fragment))


def _response_of(request: HttpRequest, known: Restored) -> HttpResponseBase:
    with _without_answer():  # With DEBUG_PROPAGATE_EXCEPTIONS, or what is no ``Exception``.
        response: HttpResponseBase = get_handler().get_response(request)
    return response


@contextmanager
def _without_answer() -> Iterator[None]:
    """What a view raises where there is no response for it fails its job, once and for all."""
    try:
        yield
    except (Cancelled, Superseded, UnstorableResult, Interrupt):
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and current_thread() is main_thread():
            raise
        raise _failure(error, None) from error


def _failure(error: BaseException, answer: Answer | None) -> Failed:
    return FailedResponse(f"the view raised {type(error).__name__}", answer)


def _captured(request: Any) -> tuple[Capture, Any]:
    """The request as captured, once, and its user."""
    http = http_request(request)
    found: tuple[Capture, Any] | None = getattr(http, _CAPTURED, None)
    if found is None:
        identity = identity_of(request)
        found = capture(http, identity), identity.user
        setattr(http, _CAPTURED, found)
    return found
