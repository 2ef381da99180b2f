"""uvicorn's HTTP/1.1 protocol, with a writer of ready-made chunks for each response.

For ``uvicorn --http pushjobs.httpprotocol:HttpProtocol``. All else is as uvicorn has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, cast
from weakref import ReferenceType, ref

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pushjobs.latch import Latch
from pushjobs.transportwriter import TransportWriter
from pushjobs.writer import EXTENSION


class HttpProtocol(HttpToolsProtocol):
    """One connection; each request's scope has the extension ``pushjobs.writer``."""

    flow: Flow

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.pipeline = cast(Any, Pipeline())

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        response = self.flow.response() if self.flow.response is not None else None
        if response is not None and not response.response_complete:
            # uvicorn tells the request that came last, and that one may wait behind this.
            response.disconnected = True
            response.message_event.set()
        self.flow.end_writer()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:  # No upgrade.
            # Weak, or each request would be a ring that waits for the garbage collector.
            extensions = {EXTENSION: partial(_open_writer, ref(cycle))}
            cast(dict[str, Any], self.scope)["extensions"] = extensions
            if self.loop.get_task_factory() is None:  # The application has not begun.
                cycle.message_event = cast(Any, Latch())

    def on_response_complete(self) -> None:
        self.flow.end_writer()
        super().on_response_complete()


class Pipeline(list[Any]):
    """The requests that wait: a ``deque`` would take 760 bytes, and nearly always there is none."""

    __slots__ = ()

    def appendleft(self, item: Any) -> None:
        self.insert(0, item)


class Flow(FlowControl):
    """Flow control that also tells the writer of the response under way, if it has one."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_writable_event = cast(Any, Latch(is_open=True))
        self.writer: TransportWriter | None = None
        #: The response that it writes.
        self.response: ReferenceType[RequestResponseCycle] | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.writer is not None:
            self.writer.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.writer is not None:
            self.writer.resume()

    def end_writer(self) -> None:
        if self.writer is not None:
            self.writer.end()
            self.writer = None


def chunk(payloads: Sequence[bytes]) -> bytes:
    """One chunk (RFC 9112, section 7.1) of all payloads.

    Nothing at all if they are empty, for a chunk of nothing ends the body.
    """
    body = b"".join(payloads)
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""


def _open_writer(response: ReferenceType[RequestResponseCycle]) -> TransportWriter:
    """The writer of a response that has started.

    It drops all for a response that has no body (RFC 9110, section 6.4.1), such as one to HEAD.
    Raises ``RuntimeError`` where the response has not started, or has a ``content-length``.
    """
    cycle = response()
    if cycle is None:
        raise RuntimeError("the application has ended this response")
    if not cycle.response_started and not cycle.disconnected:
        raise RuntimeError("the response has not started")
    if cycle.chunked_encoding is False:
        raise RuntimeError("a response with a content-length has no chunks")
    flow = cast(Flow, cycle.flow)
    if flow.writer is not None:
        return flow.writer
    writer = TransportWriter(
        cycle.transport, cycle.transport.write, "chunk", chunk, paused=flow.write_paused
    )
    bodiless = not cycle.chunked_encoding or cycle.scope["method"] == "HEAD"
    if bodiless or cycle.disconnected or cycle.response_complete:
        writer.end()
    else:
        flow.writer, flow.response = writer, response
    return writer
