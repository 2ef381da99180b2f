"""A handler's return value as a stored response, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from django.core.files import File
from django.core.files.base import ContentFile
from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from pydantic import BaseModel

from pushjobs import files
from pushjobs.conf import settings
from pushjobs.exceptions import UnstorableResult
from pushjobs.files import FileResult
from pushjobs.models import Job

JSON, TEXT, BYTES = "application/json", "text/plain; charset=utf-8", "application/octet-stream"
_CHUNK = 64 * 1024
#: Headers that the server of the stored response sets anew (RFC 9110, sections 6 to 8).
_OWN_HEADERS = frozenset({"content-length", "content-type", "connection", "transfer-encoding"})


@dataclass(slots=True)
class StoredResponse:
    """A response as it is kept with its job; the fields are those of the job's row.

    ``result`` is the JSON value that the job document shows, or None where there is none or it is
    over ``INLINE_RESULT`` bytes. The body is ``response_body``, or the file ``response_file``.
    """

    result: Any = None
    response_status: int = 200
    response_type: str = JSON
    response_headers: list[list[str]] = field(default_factory=list)
    response_body: bytes | None = None
    response_file: str = ""

    def fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def store(job: Job, value: Any) -> StoredResponse:
    """Turn what a handler returned into a stored response; raises ``UnstorableResult``.

    Takes any JSON value (dataclasses, dates, UUIDs and pydantic models included), ``str``,
    ``bytes``, ``HttpResponse``, ``FileResult``, or ``(status code, any of these)``.
    """
    match value:
        case (int() as status, body) if isinstance(value, tuple):
            if not 200 <= status <= 599:
                raise UnstorableResult(f"{int(status)} is no status code for a final response")
            stored = store(job, body)
            stored.response_status = int(status)
            return stored
        case FileResult():
            return _store_file(job, value)
        case HttpResponseBase():
            return _store_http(job, value)
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


def _default(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(type(value).__name__)


def _store_body(job: Job, body: bytes, content_type: str, inline: Any) -> StoredResponse:
    if len(body) > settings.MAX_RESULT:
        raise UnstorableResult(
            f"the result has {len(body)} bytes; {settings.MAX_RESULT} may be kept"
        )
    stored = StoredResponse(response_type=content_type)
    if len(body) <= settings.INLINE_RESULT:
        stored.result, stored.response_body = inline, body
    else:
        stored.response_file = files.save_output(job.id, job.attempt, "body", ContentFile(body))
    return stored


def _store_file(job: Job, value: FileResult) -> StoredResponse:
    path = Path(value.path)
    data = orjson.loads(_json(value.data))
    name = value.filename or path.name
    try:
        with path.open("rb") as handle:
            key = files.save_output(job.id, job.attempt, name, File(handle))
    except OSError as error:
        raise UnstorableResult(f"the result's file cannot be read: {error.strerror}") from None
    finally:
        if value.delete:
            path.unlink(missing_ok=True)
    disposition = FileResponse(ContentFile(b""), as_attachment=True, filename=name)
    headers = {"Content-Disposition": disposition["Content-Disposition"], **value.headers}
    return StoredResponse(
        result=data,
        response_type=value.content_type,
        response_headers=[[key, text] for key, text in headers.items()],
        response_file=key,
    )


def _store_http(job: Job, value: HttpResponseBase) -> StoredResponse:
    if isinstance(value, StreamingHttpResponse):
        if value.is_async:
            raise UnstorableResult("an asynchronous streaming response cannot be kept")
        body = b"".join(value)
    else:
        assert isinstance(value, HttpResponse)
        body = value.content
    content_type = value.headers.get("Content-Type", BYTES)
    inline = None
    if content_type.partition(";")[0].strip() == JSON and len(body) <= settings.INLINE_RESULT:
        try:
            inline = orjson.loads(body)
        except orjson.JSONDecodeError:
            inline = None
    stored = _store_body(job, body, content_type, inline)
    stored.response_status = value.status_code
    headers = [[key, text] for key, text in value.items() if key.lower() not in _OWN_HEADERS]
    cookies = [["Set-Cookie", morsel.OutputString()] for morsel in value.cookies.values()]
    stored.response_headers = headers + cookies
    return stored


def replay(job: Job) -> HttpResponseBase:
    """The stored response of a succeeded job, as it was; a large body is streamed."""
    response: HttpResponseBase
    if job.response_file:
        handle = files.storage().open(job.response_file, "rb")
        response = StreamingHttpResponse(
            _chunks(handle), content_type=job.response_type, status=job.response_status
        )
        response.headers["Content-Length"] = str(handle.size)
    else:
        response = HttpResponse(
            bytes(job.response_body or b""),
            content_type=job.response_type,
            status=job.response_status,
        )
    for key, text in job.response_headers:
        if key == "Set-Cookie":
            response.cookies.load(text)
        else:
            response.headers[key] = text
    return response


async def _chunks(handle: File[bytes]) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(handle.read, _CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(handle.close)
