"""What the API reads out of a Django request: the caller, and a submission in either form."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja.utils import check_csrf
from pydantic import ValidationError

from pushjobs import access, preferences, tokens
from pushjobs.access import Caller
from pushjobs.conf import settings
from pushjobs.exceptions import (
    BadRequest,
    Forbidden,
    InvalidArguments,
    TooLarge,
    UnsupportedMediaType,
)
from pushjobs.openapi import Submission

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MIN_ANONYMOUS_KEY = 16


def caller_of(request: HttpRequest) -> Caller:
    """Who asks. An unsafe request that a cookie vouches for must carry a CSRF token.

    A token in a header needs none. One in a cookie goes before the session.
    """
    return replace(_caller_of(request), address=request.META.get("REMOTE_ADDR") or "")


def _caller_of(request: HttpRequest) -> Caller:
    text = tokens.from_headers(request.headers.get)
    if text is not None:
        return access.holder(tokens.verify(text))
    match = request.resolver_match
    token = tokens.from_cookie(request.COOKIES, match.kwargs.get("job_id") if match else None)
    user = getattr(request, "user", None)
    if token is None and (user is None or not user.is_authenticated):
        return Caller()
    if request.method not in _SAFE and check_csrf(request) is not None:
        raise Forbidden("the CSRF token is missing or wrong")
    return Caller(token=token) if token is not None else Caller(user=user)


def prefers_html(request: HttpRequest) -> bool:
    """Whether the client would rather have HTML than JSON, as browsers say in ``Accept``."""
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def wait_of(request: HttpRequest) -> float | None:
    """The seconds that ``Prefer: wait`` asks for, ``MAX_WAIT`` at most; None where it asks none."""
    asked = preferences.wait(request.headers.get("prefer", ""))
    return None if asked is None else min(asked, settings.MAX_WAIT)


def idempotency_key(request: HttpRequest, caller: Caller) -> str | None:
    """The ``Idempotency-Key``; that of a caller without a user must be hard to guess."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= 255 or not key.isprintable():
        raise BadRequest("an Idempotency-Key is 1 to 255 printable characters")
    if caller.user is None and len(key) < _MIN_ANONYMOUS_KEY:
        raise BadRequest(
            f"without a login, an Idempotency-Key has at least {_MIN_ANONYMOUS_KEY} characters, "
            "chosen at random: who knows it gets the job"
        )
    return key


@dataclass(frozen=True, slots=True)
class ReadSubmission:
    """A submission, and the files that came with it by the name of their part."""

    body: Submission
    uploads: dict[str, list[UploadedFile[bytes]]] = field(default_factory=dict)


def submission(request: HttpRequest) -> ReadSubmission:
    """Read a JSON or multipart body; raises the fitting error for any that is not one."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    try:
        match request.content_type:
            case "application/json":
                _check_size(length, settings.MAX_BODY)
                body = request.body
                _check_size(len(body), settings.MAX_BODY)
                return ReadSubmission(_validated(_json(body, "the body")))
            case "multipart/form-data":
                _check_size(length, settings.MAX_UPLOAD)
                return _multipart(request)
    except RequestDataTooBig:
        raise TooLarge(f"a body has at most {settings.MAX_BODY} bytes") from None
    except (TooManyFieldsSent, TooManyFilesSent):
        raise TooLarge("the form has too many parts") from None
    except (MultiPartParserError, UnreadablePostError):
        raise BadRequest("the multipart body cannot be read") from None
    raise UnsupportedMediaType("send application/json or multipart/form-data")


def json_object(request: HttpRequest) -> dict[str, Any]:
    """The body as a JSON object."""
    value = _json(request.body, "the body") if request.body else {}
    if not isinstance(value, dict):
        raise BadRequest("the body is a JSON object")
    return value


def _multipart(request: HttpRequest) -> ReadSubmission:
    fields: dict[str, Any] = {name: _single(request, name) for name in request.POST}
    for name in ("args", "tags"):
        if name in fields:
            fields[name] = _json(fields[name], f"the field {name!r}")
    if not fields.get("run_at"):
        fields.pop("run_at", None)
    return ReadSubmission(_validated(fields), dict(request.FILES.lists()))


def _single(request: HttpRequest, name: str) -> str:
    values = request.POST.getlist(name)
    if len(values) != 1:
        raise InvalidArguments([{"loc": [name], "msg": "one value is expected"}])
    return str(values[0])


def _json(text: bytes | str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(f"{what} is not JSON") from None


def _validated(fields: Any) -> Submission:
    try:
        return Submission.model_validate(fields)
    except ValidationError as error:
        raise InvalidArguments(errors_of(error)) from None


def errors_of(error: ValidationError) -> list[dict[str, Any]]:
    """What does not fit, without what was sent."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [{"loc": list(item["loc"]), "msg": item["msg"]} for item in found]


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"the body has {size} bytes; {limit} are allowed")
