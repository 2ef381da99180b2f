"""Does the steps of a flow one after another, and awaits each: ``blocking``, on asyncio."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import Any, TypeVar

import httpx
from httpx_sse import EventSource, ServerSentEvent
from websockets.asyncio.client import ClientConnection, connect

from pushjobs.client.documents import Event
from pushjobs.client.faults import message_of, over_http, over_socket
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
    TokenSource,
    token_of,
)

_T = TypeVar("_T")


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc  # A token goes to no other server.


class Awaiting:
    """One client's means: connections over HTTP that are kept, and sockets."""

    def __init__(
        self, http: httpx.AsyncClient, headers: Mapping[str, str], context: ssl.SSLContext | None
    ) -> None:
        self._http = http
        self._headers = headers
        self._ssl = context

    async def events(self, flow: Flow[object]) -> AsyncGenerator[Event, None]:
        """What the flow tells."""
        async with _Line(self._http, self._headers, self._ssl) as line:
            async for step in self._steps(flow, line):
                if isinstance(step, Event):
                    yield step

    async def run(self, flow: Flow[_T]) -> _T:
        """The flow's value, whatever it tells."""
        ended: list[_T] = []

        def noted() -> Flow[None]:
            ended.append((yield from flow))

        async for _ in self.events(noted()):
            pass
        return ended[0]

    async def _steps(self, flow: Flow[object], line: _Line) -> AsyncGenerator[Step, None]:
        answer: Any = None
        error: Broken | None = None
        while True:
            try:
                step = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration:
                return
            answer = error = None
            if isinstance(step, Event):
                yield step
                continue
            try:
                answer = await line.do(step)
            except Broken as broken:
                error = broken


class _Line:
    """The one stream or socket that a flow has at a time."""

    def __init__(
        self, http: httpx.AsyncClient, headers: Mapping[str, str], context: ssl.SSLContext | None
    ) -> None:
        self._http = http
        self._headers = headers
        self._ssl = context
        self._open = AsyncExitStack()
        self._messages: AsyncIterator[ServerSentEvent] | None = None
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> _Line:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def do(self, step: Step) -> Any:
        match step:
            case Call():
                return await self._call(step)
            case OpenStream():
                return await self._stream(step)
            case NextMessage():
                return await self._message()
            case OpenSocket():
                return await self._connect(step)
            case SendFrame(text):
                with over_socket():
                    return await self._own_socket().send(text)
            case NextFrame(within):
                # Not wait_for: in Python 3.11 it swallows a cancellation as a frame comes.
                with over_socket():
                    async with asyncio.timeout(within):
                        return await self._own_socket().recv()
            case HangUp():
                return await self._open.aclose()
            case Pause(seconds):
                return await asyncio.sleep(seconds)
            case AskToken(source):
                return await _token(source)
            case _:
                raise TypeError(f"no step: {step!r}")

    async def _call(self, call: Call) -> httpx.Response:
        request = call_request(self._http, call)
        with over_http():
            answer = await self._http.send(request, stream=True)
            async with aclosing(answer):
                await _read(answer, call.within)
            return answer

    async def _stream(self, step: OpenStream) -> httpx.Response:
        request = stream_request(self._http, step)
        with over_http():
            answer = await self._http.send(request, stream=True)
            self._open.push_async_callback(answer.aclose)
            if answer.status_code == 200:
                # Read anew as the body begins: so long may pass between two of its parts.
                request.extensions["timeout"]["read"] = step.silence
                messages = EventSource(answer).aiter_sse()
                self._open.push_async_callback(messages.aclose)
                self._messages = messages
            else:
                await _read(answer, step.silence)
        return answer

    async def _message(self) -> Message | None:
        if self._messages is None:
            raise RuntimeError("no stream is open")
        with over_http():
            block = await anext(self._messages, None)
        return None if block is None else message_of(block)

    async def _connect(self, step: OpenSocket) -> None:
        with over_socket():
            self._socket = await self._open.enter_async_context(
                _Connect(
                    step.url,
                    additional_headers=self._headers,
                    ssl=self._ssl if step.url.startswith("wss:") else None,
                    open_timeout=step.opening,
                    close_timeout=1,
                    ping_interval=None,  # The server's own heartbeats are watched.
                    max_size=None,
                )
            )

    def _own_socket(self) -> ClientConnection:
        if self._socket is None:
            raise RuntimeError("no socket is open")
        return self._socket


async def _read(answer: httpx.Response, seconds: float) -> None:
    """All of the answer, within so many seconds; httpx bounds each silence alone."""
    try:
        async with asyncio.timeout(seconds):
            await answer.aread()
    except TimeoutError as error:
        raise httpx.ReadTimeout("the answer takes too long") from error


async def _token(source: TokenSource) -> str:
    given = source() if callable(source) else source
    return token_of(await given if inspect.isawaitable(given) else given)
