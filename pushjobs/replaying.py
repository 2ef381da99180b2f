"""A job's stored response, given again to who fetches it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

from django.core.files import File
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from pushjobs import files
from pushjobs.exceptions import Gone, TamperedRequest
from pushjobs.models import Job
from pushjobs.results import COOKIE, cookie_seal
from pushjobs.sealing import Seal

logger = logging.getLogger(__name__)

_CHUNK = 64 * 1024


def replay(job: Job, *, cookies: bool, synchronous: bool = False) -> HttpResponseBase:
    """A job's stored response, as it was; a large body is streamed.

    ``cookies`` says whether it sets any: they are for the job's own client alone. ``synchronous``
    is for a server that iterates without an event loop, as under WSGI.
    """
    response: HttpResponseBase
    if job.response_file:
        try:
            handle = files.storage().open(job.response_file, "rb")
        except FileNotFoundError:  # Retention removes files before their row.
            raise Gone("the job's result is no longer kept") from None
        response = StreamingHttpResponse(
            _chunks_in_turn(handle) if synchronous else _chunks(handle),
            content_type=job.response_type,
            status=job.response_status,
        )
        response.headers["Content-Length"] = str(handle.size)
    else:
        response = HttpResponse(
            bytes(job.response_body or b""),
            content_type=job.response_type,
            status=job.response_status,
        )
    for key, text in job.response_headers:
        if key != COOKIE:
            response.headers[key] = text
        elif cookies:
            _set_cookie(response, cookie_seal(job), text)
    if not job.response_type:
        del response.headers["Content-Type"]
    response._has_been_logged = True  # type: ignore[union-attr]  # noqa: SLF001  # By its job.
    return response


def _chunks_in_turn(handle: File[bytes]) -> Iterator[bytes]:
    with handle:
        while chunk := handle.read(_CHUNK):
            yield chunk


def _set_cookie(response: HttpResponseBase, seal: Seal, sealed: str) -> None:
    try:
        response.cookies.load(seal.unseal(sealed.encode()).decode())
    except TamperedRequest:
        logger.warning("a cookie of job %s is left out: its key is gone", seal.job)


async def _chunks(handle: File[bytes]) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(handle.read, _CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(handle.close)
