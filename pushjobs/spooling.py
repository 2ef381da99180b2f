"""Streaming responses, read to their end: into memory where they are small, else into a file."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.http import StreamingHttpResponse

from pushjobs import coroutines
from pushjobs.conf import settings
from pushjobs.exceptions import UnstorableResult


@dataclass(slots=True)
class Spooled:
    """A streaming response that was read to its end, its body in a file."""

    response: StreamingHttpResponse
    body: IO[bytes]


def materialised(value: Any) -> Any:
    """A handler's return value with nothing left to run: a streaming response is read to its end.

    Called while the handler may still be interrupted. Raises ``UnstorableResult``.
    """
    if isinstance(value, tuple) and len(value) == 2:
        return value[0], materialised(value[1])
    if not isinstance(value, StreamingHttpResponse):
        return value
    spool: IO[bytes] = SpooledTemporaryFile(settings.INLINE_RESULT)  # noqa: SIM115  # Kept open.
    try:
        chunks = value.streaming_content
        if isinstance(chunks, AsyncIterable):
            coroutines.run(_collect, chunks, spool)
        else:
            for chunk in chunks:
                _add(chunk, spool)
    except BaseException:
        spool.close()
        raise
    return Spooled(value, spool)


async def _collect(chunks: AsyncIterable[bytes], spool: IO[bytes]) -> None:
    async for chunk in chunks:
        _add(chunk, spool)


def _add(chunk: bytes, spool: IO[bytes]) -> None:
    spool.write(chunk)
    check_size(spool.tell())


def check_size(size: int) -> None:
    """Raises ``UnstorableResult`` for more than ``MAX_RESULT`` bytes."""
    if size > settings.MAX_RESULT:
        raise UnstorableResult(f"the result has {size} bytes; {settings.MAX_RESULT} may be kept")
