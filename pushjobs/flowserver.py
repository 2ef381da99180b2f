"""Daphne with flow control.

Daphne's ``send`` takes whatever it is given, so that one client that does not read costs the memory
of all that is sent to it. Here it waits while the client's buffer is full, as Twisted's producer
interface tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import orjson
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from pushjobs.conf import settings
from pushjobs.exceptions import TooLarge

logger = logging.getLogger(__name__)

_CLOSE_TIMEOUT = 5.0
_TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/problem+json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b"
)


@implementer(IPushProducer)
class _Gate:
    """Closed while a transport asks for no more."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:  # noqa: N802
        self._open.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self._open.set()

    stopProducing = resumeProducing  # noqa: N815

    async def passed(self) -> None:
        if not self._open.is_set():
            await self._open.wait()


def _limit_body(request: Any) -> None:
    """Refuse a body over the limit as it comes: Daphne would hold the whole of it in memory.

    The rest of it is read and dropped, because closing in the midst of it would take the answer
    from the client as well.
    """
    take, received, refused = request.handleContentChunk, 0, False

    def refuse() -> None:
        nonlocal refused
        refused, transport = True, request.channel.transport
        body = orjson.dumps(TooLarge(f"a body has at most {settings.MAX_UPLOAD} bytes").problem())
        transport.write(_TOO_LARGE % (len(body), body))
        request.requestReceived = lambda *_: transport.loseConnection()

    def got_length(length: int | None) -> None:
        type(request).gotLength(request, min(length, settings.MAX_UPLOAD) if length else length)
        if (length or 0) > settings.MAX_UPLOAD:
            refuse()

    def handle_chunk(data: bytes) -> None:
        nonlocal received
        received += len(data)
        if not refused and received > settings.MAX_UPLOAD:
            refuse()
        if not refused:
            take(data)

    request.gotLength, request.handleContentChunk = got_length, handle_chunk


class _Guarded:
    """An application whose exceptions end its connection, and not Daphne's housekeeping."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._application(scope, receive, send)
        except Exception:
            logger.exception("the application failed at %s", scope["path"])


class FlowServer(Server):  # type: ignore[misc]
    """``daphne.server.Server`` whose ``send`` honours backpressure."""

    def __init__(
        self, application: Any, *, on_listening: Callable[[], None], **options: Any
    ) -> None:
        super().__init__(_Guarded(application), **options)
        self._gates: dict[Any, _Gate] = {}
        self._on_listening = on_listening
        self._ports: list[Any] = []
        #: Why the server could not listen, if it could not.
        self.error = ""

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)
        self._on_listening()

    async def stop_listening(self) -> None:
        """Refuse new connections; those that there are stay."""
        running = asyncio.get_running_loop()
        for port in self._ports:
            await maybeDeferred(port.stopListening).asFuture(running)

    def listen_error(self, failure: Any) -> None:
        self.error = failure.getErrorMessage()
        self.stop()

    async def handle_reply(self, protocol: Any, message: Any) -> None:
        gate = self._gates.get(protocol)
        if gate is not None:
            await gate.passed()
        streams = message.get("more_body") or message["type"] == "websocket.accept"
        if gate is not None and not streams and message["type"] == "http.response.body":
            self._take_gate(protocol)
        await super().handle_reply(protocol, message)
        if gate is None and streams:
            self._set_gate(protocol)

    def create_application(self, protocol: Any, scope: Any) -> Any:
        scope["root_path"] = self.root_path  # No client's header sets it.
        queue = super().create_application(protocol, scope)
        instance = self.connections.get(protocol, {}).get("application_instance")
        if instance is not None:
            instance.add_done_callback(lambda _: self._hang_up(protocol))
        return queue

    def protocol_connected(self, protocol: Any) -> None:
        if isinstance(protocol, WebSocketProtocol):
            # A client that breaks the rules is told so with a close code, and one that is slow to
            # answer is not reset within a second, before it has read why.
            protocol.failByDrop = False
            protocol.closeHandshakeTimeout = _CLOSE_TIMEOUT
        else:
            # Django reads forms; Twisted would read them first, whole, and refuse some on its own.
            protocol._parsePOSTFormSubmission = False  # noqa: SLF001
            _limit_body(protocol)
        super().protocol_connected(protocol)

    def protocol_disconnected(self, protocol: Any) -> None:
        gate = self._gates.pop(protocol, None)
        if gate is not None:
            gate.resumeProducing()
        super().protocol_disconnected(protocol)

    def _set_gate(self, protocol: Any) -> None:
        if "disconnected" in self.connections.get(protocol, {"disconnected": True}):
            return
        gate = self._gates[protocol] = _Gate()
        if isinstance(protocol, WebSocketProtocol):
            # The upgraded transport still has the HTTP channel as its producer.
            protocol.transport.unregisterProducer()
            protocol.transport.registerProducer(gate, True)
        else:
            protocol.registerProducer(gate, True)

    def _hang_up(self, protocol: Any) -> None:
        """End what an application has left open: Daphne would leave its client waiting."""
        if "disconnected" in self.connections.get(protocol, {"disconnected": True}):
            return
        if isinstance(protocol, WebSocketProtocol):
            if protocol.state == WebSocketProtocol.STATE_CONNECTING:
                protocol.serverReject()
            elif protocol.state == WebSocketProtocol.STATE_OPEN:
                protocol.transport.abortConnection()
        elif not protocol._response_started:  # noqa: SLF001
            protocol.basic_error(500, b"Internal Server Error", "The application failed.")
        elif not protocol.finished:
            protocol.transport.abortConnection()

    def _take_gate(self, protocol: Any) -> None:
        if self._gates.pop(protocol, None) is not None:
            protocol.unregisterProducer()
