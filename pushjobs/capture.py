"""Captures a request, with what is too large for its record: its body, and the files of a form."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, RawPostDataException, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone, translation

from pushjobs import carriers, files, plain, sessions
from pushjobs.captured import Captured, Form, Upload, digest
from pushjobs.conf import settings
from pushjobs.exceptions import BadRequest, TooLarge
from pushjobs.headers import kept
from pushjobs.viewauth import Identity, answered_by

_CSRF_FIELD = "csrfmiddlewaretoken"
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


class Capture(NamedTuple):
    """A captured request with what is too large for it: ``body``, and the contents of files."""

    record: Captured
    body: bytes | None
    uploads: list[UploadedFile[bytes]]


def capture(request: HttpRequest, identity: Identity) -> Capture:
    """Capture a request. Reads its body, and makes sure that its session is in the store.

    Raises ``TooLarge`` before anything is kept, ``BadRequest`` for a body that cannot be read.
    """
    body, form, received = _content(request)
    large = len(body) > settings.INLINE_RESULT
    meta = request.META
    captured = Captured(
        view=answered_by(request.resolver_match) if request.resolver_match else "",
        method=request.method or "",
        path_info=request.path_info,
        script_name=meta.get("SCRIPT_NAME") or "",
        query=_query(request),
        scheme=request._get_scheme(),  # type: ignore[attr-defined]  # noqa: SLF001
        server_name=meta.get("SERVER_NAME") or "unknown",
        server_port=meta.get("SERVER_PORT") or "0",
        remote_addr=meta.get("REMOTE_ADDR") or "",
        remote_user=meta.get("REMOTE_USER"),
        headers=kept(request.headers),
        host=meta.get("HTTP_HOST") or "",
        encoding=request.encoding,
        session=_session_key(request),
        csrf_secret=meta.get("CSRF_COOKIE"),
        user=_user_key(identity.user),
        user_from_session=identity.from_session,
        auth=identity.auth,
        admitted=identity.admitted,
        language=translation.get_language(),
        time_zone=_time_zone(),
        body=None if large or form is not None else body,
        body_stored=large,
        form=form,
        content=_content_digest(request, body, form),
        uploads=tuple(_described(field, upload) for field, upload in received),
        contexts=carriers.captured(request),
    )
    return Capture(captured, body if large else None, [upload for _, upload in received])


def _content(
    request: HttpRequest,
) -> tuple[bytes, Form | None, list[tuple[str, UploadedFile[bytes]]]]:
    """A request's body, or the fields and files of its multipart form."""
    multipart = request.content_type == _MULTIPART and request.method == "POST"
    limit = settings.MAX_UPLOAD if multipart else settings.MAX_BODY
    _check_size(_content_length(request), limit)
    try:
        if not multipart:
            body = request.body
            _check_size(len(body), limit)
            return body, None, []
        form: Form = [(name, _strings(values)) for name, values in request.POST.lists()]
    except RequestDataTooBig:
        raise TooLarge("the body has more bytes than are allowed") from None
    except (TooManyFieldsSent, TooManyFilesSent):
        raise TooLarge("the form has too many parts") from None
    except RawPostDataException:
        raise BadRequest(
            "the body was read before the request could be captured; put respond_async around "
            "what reads it"
        ) from None
    except (MultiPartParserError, UnreadablePostError):
        raise BadRequest("the body cannot be read") from None
    received = [(name, each) for name, many in request.FILES.lists() for each in many]
    _check_size(
        sum(len(value.encode()) for _, values in form for value in values), settings.MAX_BODY
    )
    _check_size(sum(upload.size or 0 for _, upload in received), settings.MAX_UPLOAD)
    return b"", form, received


def _strings(values: Any) -> list[str]:
    return [str(value) for value in values]


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"the body has {size} bytes; {limit} are allowed")


def _described(field: str, upload: UploadedFile[bytes]) -> Upload:
    parameters = {
        str(name): value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in (getattr(upload, "content_type_extra", None) or {}).items()
    }
    return Upload(
        field=field,
        name=plain.text(upload.name or ""),
        content_type=upload.content_type,
        charset=upload.charset,
        parameters=parameters,
        size=upload.size or 0,
        sha256=files.sha256(upload),
    )


def _query(request: HttpRequest) -> str:
    """The query string in ASCII. WSGI gives its bytes as Latin-1, ASGI decoded as UTF-8."""
    text = request.META.get("QUERY_STRING") or ""
    raw = text.encode() if hasattr(request, "scope") else text.encode("latin-1")
    return quote(raw, safe="".join(map(chr, range(0x21, 0x7F))))


def _session_key(request: HttpRequest) -> str | None:
    """The session's key, once the store has what was done to it so far.

    The request saves it again at its end, when the job may have written to it already.
    """
    session = getattr(request, "session", None)
    if session is None:
        return None
    if session.modified and not session.is_empty():
        session.save()
    sessions.merge_on_save(session)
    key: str | None = session.session_key
    return key


def _user_key(user: Any) -> str | None:
    return None if user is None else str(user._meta.pk.value_to_string(user))  # noqa: SLF001


def _time_zone() -> str | float | None:
    zone = timezone.get_current_timezone()
    name: str | None = getattr(zone, "key", None)
    if name is not None:
        return name
    offset = zone.utcoffset(datetime.now(zone))
    return offset.total_seconds() if offset is not None else None


def _content_digest(request: HttpRequest, body: bytes, form: Form | None) -> str:
    """Tells contents apart; the token that each rendering of a form has anew does not count."""
    if form is None and request.content_type != _FORM:
        return hashlib.sha256(body).hexdigest()
    fields = form if form is not None else parse_qsl(body.decode("latin-1"), True)
    return digest([item for item in fields if item[0] != _CSRF_FIELD])
