"""Does the steps of a flow one after another, and blocks for each."""

from __future__ import annotations

import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any, TypeVar

import httpx
from httpx_sse import EventSource, ServerSentEvent
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pushjobs.client.documents import Event
from pushjobs.client.faults import Redirected, message_of, over_http, over_socket
from pushjobs.client.outgoing import call_request, stream_request
from pushjobs.client.steps import (
    AskToken,
    Broken,
    Call,
    Flow,
    HangUp,
    Message,
    NextFrame,
    NextMessage,
    OpenSocket,
    OpenStream,
    Pause,
    SendFrame,
    Step,
    token_of,
)

_T = TypeVar("_T")


class _Connection(ClientConnection):
    """One that is not sent on: a token goes to no other server."""

    def handshake(self, *args: Any, **options: Any) -> None:
        try:
            super().handshake(*args, **options)
        except InvalidStatus as error:
            if error.response.status_code < 400:
                raise Redirected("no socket: redirected") from error
            raise


class _Within(httpx.SyncByteStream):
    """A body that has to come within so many seconds; httpx bounds each silence alone."""

    def __init__(self, body: httpx.SyncByteStream, seconds: float) -> None:
        self._body = body
        self._ends = time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body:
            if time.monotonic() > self._ends:
                raise httpx.ReadTimeout("the answer takes too long")
            yield part

    def close(self) -> None:
        self._body.close()


def _read(answer: httpx.Response, seconds: float) -> None:
    """All of the answer. A silence under way as the seconds end is still bounded by its own."""
    assert isinstance(answer.stream, httpx.SyncByteStream)
    timeouts = answer.request.extensions["timeout"]
    timeouts["read"] = min(timeouts["read"], seconds)
    answer.stream = _Within(answer.stream, seconds)
    answer.read()


class Blocking:
    """One client's means: connections over HTTP that are kept, and sockets."""

    def __init__(
        self, http: httpx.Client, headers: Mapping[str, str], context: ssl.SSLContext | None
    ) -> None:
        self._http = http
        self._headers = headers
        self._ssl = context

    def events(self, flow: Flow[_T]) -> Generator[Event, None, _T]:
        """What the flow tells; its value is the flow's."""
        with _Line(self._http, self._headers, self._ssl) as line:
            answer: Any = None
            error: Broken | None = None
            while True:
                try:
                    step = flow.send(answer) if error is None else flow.throw(error)
                except StopIteration as end:
                    value: _T = end.value
                    return value
                answer = error = None
                if isinstance(step, Event):
                    yield step
                    continue
                try:
                    answer = line.do(step)
                except Broken as broken:
                    error = broken

    def run(self, flow: Flow[_T]) -> _T:
        """The flow's value, whatever it tells."""
        events = self.events(flow)
        while True:
            try:
                next(events)
            except StopIteration as end:
                value: _T = end.value
                return value


class _Line:
    """The one stream or socket that a flow has at a time."""

    def __init__(
        self, http: httpx.Client, headers: Mapping[str, str], context: ssl.SSLContext | None
    ) -> None:
        self._http = http
        self._headers = headers
        self._ssl = context
        self._open = ExitStack()
        self._messages: Iterator[ServerSentEvent] = iter(())
        self._socket: ClientConnection | None = None

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def do(self, step: Step) -> Any:
        match step:
            case Call():
                return self._call(step)
            case OpenStream():
                return self._stream(step)
            case NextMessage():
                return self._message()
            case OpenSocket():
                return self._connect(step)
            case SendFrame(text):
                with over_socket():
                    return self._own_socket().send(text)
            case NextFrame(within):
                with over_socket():
                    return self._own_socket().recv(within)
            case HangUp():
                return self._open.close()
            case Pause(seconds):
                return time.sleep(seconds)
            case AskToken(source):
                return token_of(source() if callable(source) else source)
            case _:
                raise TypeError(f"no step: {step!r}")

    def _call(self, call: Call) -> httpx.Response:
        request = call_request(self._http, call)
        with over_http(), closing(self._http.send(request, stream=True)) as answer:
            _read(answer, call.within)
            return answer

    def _stream(self, step: OpenStream) -> httpx.Response:
        request = stream_request(self._http, step)
        with over_http():
            answer = self._http.send(request, stream=True)
            self._open.callback(answer.close)
            if answer.status_code == 200:
                # Read anew as the body begins: so long may pass between two of its parts.
                request.extensions["timeout"]["read"] = step.silence
                self._messages = EventSource(answer).iter_sse()
            else:
                _read(answer, step.silence)
        return answer

    def _message(self) -> Message | None:
        with over_http():
            block = next(self._messages, None)
        return None if block is None else message_of(block)

    def _connect(self, step: OpenSocket) -> None:
        with over_socket():
            self._socket = self._open.enter_context(
                connect(
                    step.url,
                    additional_headers=self._headers,
                    ssl=self._ssl if step.url.startswith("wss:") else None,
                    open_timeout=step.opening,
                    close_timeout=1,
                    ping_interval=None,  # The server's own heartbeats are watched.
                    max_size=None,
                    create_connection=_Connection,
                )
            )

    def _own_socket(self) -> ClientConnection:
        if self._socket is None:
            raise RuntimeError("no socket is open")
        return self._socket
