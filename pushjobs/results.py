"""A handler's return value as a stored response."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from django.core.files import File
from django.core.files.base import ContentFile
from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from pydantic import BaseModel

from pushjobs import files, plain
from pushjobs.conf import settings
from pushjobs.exceptions import Failed, UnstorableResult
from pushjobs.files import FileResult
from pushjobs.models import Job
from pushjobs.sealing import Seal
from pushjobs.spooling import Spooled, check_size, materialised

JSON, TEXT, BYTES = "application/json", "text/plain; charset=utf-8", "application/octet-stream"
COOKIE = "Set-Cookie"
_EMPTY = frozenset({204, 205, 304})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Headers that the server of the stored response sets anew (RFC 9110, sections 6 to 8).
_OWN_HEADERS = frozenset({"content-length", "content-type", "connection", "transfer-encoding"})


@dataclass(slots=True)
class StoredResponse:
    """A response as it is kept with its job; the fields are those of the job's row.

    ``result`` is the JSON value that the job document shows, or None where there is none or it is
    over ``INLINE_RESULT`` bytes. The body is ``response_body``, or the file ``response_file``.
    ``flash`` are Django messages as JSON, for who fetches the response first.
    """

    result: Any = None
    response_status: int = 200
    response_type: str = JSON
    response_headers: list[list[str]] = field(default_factory=list)
    response_body: bytes | None = None
    response_file: str = ""
    flash: Any = None

    def discard(self) -> None:
        """Remove its file, where the job's end came too late."""
        if self.response_file:
            files.delete(self.response_file)

    def fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Answer:
    """What a view has answered: its response, read to the end, and the messages taken out of it."""

    response: Any
    flash: Any = None


class FailedResponse(Failed):
    """A failure that has a response of its own, to be replayed instead of a problem document."""

    def __init__(self, message: str, answer: Answer | None) -> None:
        super().__init__(message, status_code=500)
        self.answer = answer


def store(job: Job, value: Any) -> StoredResponse:
    """Turn what a handler returned into a stored response; raises ``UnstorableResult``.

    Takes any JSON value (dataclasses, dates, UUIDs and pydantic models included), ``str``,
    ``bytes``, ``HttpResponse``, ``FileResult``, or ``(status code, any of these)``.
    """
    match value:
        case (int() as status, body) if isinstance(value, tuple):
            stored = store(job, body)
            stored.response_status = _final_status(status)
            return stored
        case FileResult():
            return _store_file(job, value)
        case StreamingHttpResponse():
            return store(job, materialised(value))
        case HttpResponse():
            body = value.content
            return _store_http(job, value, ContentFile(body), len(body))
        case Spooled():
            with value.body as spool:
                size = spool.tell()
                spool.seek(0)
                return _store_http(job, value.response, File(spool), size)
        case Answer():
            stored = store(job, value.response)
            stored.flash = value.flash
            return stored
        case str():
            try:
                body = value.encode()
            except UnicodeEncodeError as error:
                raise UnstorableResult(f"the result is not Unicode: {error.reason}") from None
            return _store_body(job, body, TEXT, value)
        case bytes() | bytearray() | memoryview():
            return _store_body(job, bytes(value), BYTES, None)
        case _:
            body = _json(value)
            return _store_body(job, body, JSON, orjson.loads(body))


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_default, option=orjson.OPT_NON_STR_KEYS)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise UnstorableResult(f"the result is not JSON: {error}") from None


def _final_status(status: int) -> int:
    if not 200 <= status <= 599:
        raise UnstorableResult(f"{int(status)} is no status code for a final response")
    return int(status)


def _headers(items: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Headers that may be sent again: well-formed, and none of those that the server sets."""
    kept = [[name, text] for name, text in items if name.lower() not in _OWN_HEADERS]
    for name, text in kept:
        if not _NAME.fullmatch(name):
            raise UnstorableResult(f"{name[:50]!r} is no header's name")
        _header_value(text)
    return kept


def _header_value(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UnstorableResult("a header's value has a control character")
    return text


def _default(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(type(value).__name__)


def _store_body(job: Job, body: bytes, content_type: str, inline: Any) -> StoredResponse:
    check_size(len(body))
    stored = StoredResponse(response_type=content_type)
    if len(body) <= settings.INLINE_RESULT:
        stored.response_body = body
        # What not every database takes as JSON is in the response all the same.
        stored.result = inline if plain.misfit(inline) is None else None
    else:
        stored.response_file = files.save_output(job.id, job.attempt, "body", ContentFile(body))
    return stored


def _store_file(job: Job, value: FileResult) -> StoredResponse:
    path = Path(value.path)
    name = value.filename or path.name
    disposition = FileResponse(ContentFile(b""), as_attachment=True, filename=name)
    headers = {"Content-Disposition": disposition["Content-Disposition"], **value.headers}
    stored = StoredResponse(
        result=orjson.loads(_json(value.data)),
        response_type=_header_value(value.content_type),
        response_headers=_headers(headers.items()),
    )
    if why := plain.misfit(stored.result):
        raise UnstorableResult(f"the data beside the file is {why}")
    try:
        with path.open("rb") as handle:
            stored.response_file = files.save_output(job.id, job.attempt, name, File(handle))
    except OSError as error:
        raise UnstorableResult(f"the result's file cannot be read: {error.strerror}") from None
    finally:
        if value.delete:
            path.unlink(missing_ok=True)
    return stored


def _store_http(job: Job, value: HttpResponseBase, body: File[bytes], size: int) -> StoredResponse:
    status = _final_status(value.status_code)
    content_type = _header_value(value.headers.get("Content-Type", ""))
    headers = _headers(value.items())
    if status in _EMPTY:
        body, size = ContentFile(b""), 0
    check_size(size)
    stored = StoredResponse(response_status=status, response_type=content_type)
    if size > settings.INLINE_RESULT:
        stored.response_file = files.save_output(job.id, job.attempt, "body", body)
    else:
        stored.response_body = body.read()
        stored.result = _inline(content_type, stored.response_body)
    seal = cookie_seal(job)
    for morsel in value.cookies.values():
        sealed = seal.seal(morsel.OutputString().encode())
        headers.append([COOKIE, sealed.decode()])
    stored.response_headers = headers
    return stored


def _inline(content_type: str, body: bytes) -> Any:
    """A body as a JSON value, where it is one that every database takes."""
    if content_type.partition(";")[0].strip() != JSON:
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if plain.misfit(value) is None else None


def cookie_seal(job: Job) -> Seal:
    """Cookies are credentials, and are kept as such."""
    return Seal(job.id, job.owner_id, "cookie")
