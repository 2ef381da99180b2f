"""Streams of Server-Sent Events, as raw ASGI: no consumer, no Django response.

The same URLs answer a client that asks for ``application/json`` with a page of events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pushjobs import access
from pushjobs.access import Caller
from pushjobs.conf import settings
from pushjobs.cursor import Cursor
from pushjobs.exceptions import (
    BadRequest,
    MethodNotAllowed,
    PushjobsError,
    StreamUnavailable,
)
from pushjobs.outage import note_outage
from pushjobs.transports import polling
from pushjobs.transports.admission import admission
from pushjobs.transports.request import (
    OUTAGE,
    Scope,
    StreamRequest,
    answer,
    answer_problem,
)
from pushjobs.transports.stream import Stream, retry
from pushjobs.writer import Send

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_OUTAGE_RETRY = 3


async def job_events(scope: Scope, receive: Any, send: Send) -> None:
    """``GET /jobs/<id>/events``: the events of one job, to its end."""
    stream = await _opened(scope, send, lambda request: [f"job:{request.job_id}"])
    del scope  # It is held as long as the stream.
    if stream is not None:
        await stream.serve(receive, send)


async def events(scope: Scope, receive: Any, send: Send) -> None:
    """``GET /jobs/events?channel=…&channel=…``: the events of many channels."""
    stream = await _opened(scope, send, lambda request: request.query.get("channel", []))
    del scope
    if stream is not None:
        await stream.serve(receive, send)


async def _opened(
    scope: Scope, send: Send, names: Callable[[StreamRequest], Sequence[str]]
) -> Stream | None:
    """A stream whose response has started; None where another answer was given."""
    request = StreamRequest(scope)
    if request.method == "OPTIONS":  # A preflight, answered whoever asks.
        await answer(send, 200, [(b"allow", b"GET, OPTIONS"), *request.cors()])
        return None
    if request.method != "GET":
        await answer_problem(send, request, MethodNotAllowed(headers={"Allow": "GET, OPTIONS"}))
        return None
    try:
        caller = await request.caller(query_token=True)
        channels = _authorised_names(caller, names(request))
        text = request.headers.get("last-event-id") or request.field("cursor")
        cursor = Cursor.decode(text, channels)
        seat = admission.connection(caller, len(channels))
        if not request.accepts_json:
            return await _begun(request, send, Stream(channels, seat, caller), cursor)
        with seat:
            await polling.answer_page(request, send, caller, channels, cursor)
    except OUTAGE as error:
        note_outage("a stream", error)
        if request.accepts_json:
            await answer_problem(send, request, StreamUnavailable())
        else:
            # One that ends at once: any status but 200 would stop an ``EventSource`` for good.
            await answer(send, 200, _HEADERS + request.cors(), retry(_OUTAGE_RETRY))
    except PushjobsError as error:
        await answer_problem(send, request, error)
    return None


async def _begun(
    request: StreamRequest, send: Send, stream: Stream, cursor: Cursor
) -> Stream | None:
    try:
        await stream.open(cursor)
        if not stream.over:
            headers = _HEADERS + request.cors()
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            stream.begin(request.scope, send)
            return stream
    except BaseException:
        stream.close()
        raise
    stream.close()
    await answer(send, 204, [(b"cache-control", b"no-store"), *request.cors()])
    return None


def _authorised_names(caller: Caller, names: Sequence[str]) -> list[str]:
    """The channels of the log; their jobs are checked when they are opened."""
    if not names:
        raise BadRequest("name at least one channel: ?channel=job:<id>")
    if len(names) > settings.MAX_CHANNELS:
        raise BadRequest(f"one stream carries at most {settings.MAX_CHANNELS} channels")
    channels = [access.channel(caller, name) for name in names]
    if len(set(channels)) < len(channels):
        # One job's id may be spelt in several ways.
        raise BadRequest("each channel may be named once")
    return channels
