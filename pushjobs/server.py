"""The server of ``manage.py serve``: Daphne with flow control, beside an embedded worker.

Daphne's ``send`` takes whatever it is given, so that one client that does not read costs the memory
of all that is sent to it. Here it waits while the client's buffer is full, as Twisted's producer
interface tells.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.core.exceptions import ImproperlyConfigured
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from pushjobs.conf import settings
from pushjobs.draining import drain
from pushjobs.embedded import EmbeddedWorker
from pushjobs.exceptions import TooLarge
from pushjobs.transports.connections import connections

logger = logging.getLogger(__name__)

_BACKLOG = 4096
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
            protocol.failByDrop = (
                False  # Tell a client that breaks the rules so, with a close code.
            )
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


_PROXY_HEADERS = {
    "proxy_forwarded_address_header": "X-Forwarded-For",
    "proxy_forwarded_port_header": "X-Forwarded-Port",
    "proxy_forwarded_proto_header": "X-Forwarded-Proto",
}


class EmbeddedServer:
    """Serves an ASGI application and runs its jobs until SIGINT or SIGTERM.

    With ``proxy_headers`` the peer's address, port and scheme are what ``X-Forwarded-For``,
    ``-Port`` and ``-Proto`` say, whoever sends them.
    """

    def __init__(
        self,
        application: Any,
        *,
        host: str,
        port: int,
        threads: int,
        on_listening: Callable[[], None],
        proxy_headers: bool = False,
    ) -> None:
        self._loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop  # noqa: SLF001
        self._worker = EmbeddedWorker(threads)
        self._server = FlowServer(
            application,
            endpoints=[f"tcp:port={port}:interface={host}:backlog={_BACKLOG}"],
            signal_handlers=False,
            ready_callable=lambda: self._loop.call_soon(self._start),
            server_name="pushjobs",
            on_listening=on_listening,
            websocket_max_frame_size=4 * settings.MAX_FRAME,
            websocket_max_message_size=4 * settings.MAX_FRAME,
            **(_PROXY_HEADERS if proxy_headers else {}),
        )
        self._stopping: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Serve until a signal, then stop cleanly. Raises ``ImproperlyConfigured``."""
        self._worker.prepare()
        _raise_file_limit()
        self._server.run()
        self._worker.abandon()
        if self._server.error:
            raise ImproperlyConfigured(f"the server cannot listen: {self._server.error}")

    def _start(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._on_signal)
        self._worker.start()

    def _on_signal(self) -> None:
        if self._stopping is not None:
            logger.warning("stopping at once; what runs is taken up at the next start")
            self._server.stop()
        else:
            self._stopping = self._loop.create_task(self._stop())

    async def _stop(self) -> None:
        connections.draining = True
        await self._server.stop_listening()
        await self._worker.stop()
        await drain()
        self._server.stop()


def _raise_file_limit() -> None:
    """Each client takes a file descriptor: allow as many as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
