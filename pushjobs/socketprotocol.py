"""uvicorn's WebSocket protocol, with a writer of ready-made frames for each connection.

For ``uvicorn --ws pushjobs.socketprotocol:SocketProtocol``. All else is as uvicorn has it, but for
``permessage-deflate``: ``SOCKET_COMPRESSION`` takes the place of ``--ws-per-message-deflate``.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from pushjobs.conf import settings
from pushjobs.inbox import Inbox
from pushjobs.latch import Latch
from pushjobs.textframes import PER_MESSAGE_DEFLATE, compressed_frames, text_frames
from pushjobs.transportwriter import TransportWriter
from pushjobs.writer import EXTENSION


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection; its scope has the extension ``pushjobs.writer``."""

    # Places for uvicorn's attributes, which are more than Python shares the names of: without
    # them each connection has a dictionary of two kilobytes. One that is missing does no harm.
    __slots__ = (
        *("app", "app_state", "asgi_version", "client", "close_sent", "close_timeout"),
        *("close_timer", "config", "conn", "connections", "curr_msg_data_type"),
        *("default_headers", "disconnected", "frames", "handshake_complete"),
        *("handshake_initiated", "initial_response", "last_ping_rtt", "logger", "loop"),
        *("pending_ping_payload", "ping_interval", "ping_sent_at", "ping_timeout", "ping_timer"),
        *("pong_timer", "queue", "read_paused", "request", "response", "root_path", "scheme"),
        *("scope", "server", "tasks", "transport", "writable", "writer"),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.writer: TransportWriter | None = None
        self.queue = cast(Any, Inbox())
        self.writable = cast(Any, Latch(is_open=True))
        self.conn.available_extensions = (
            [PER_MESSAGE_DEFLATE] if settings.SOCKET_COMPRESSION else None
        )

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._end_if_closed()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.writer is not None:
            self.writer.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.writer is not None:
            self.writer.resume()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._end_if_closed()

    async def send(self, message: Any) -> None:
        await super().send(message)
        self._end_if_closed()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_if_closed()

    def shutdown(self) -> None:
        super().shutdown()
        self._end_if_closed()

    def run_asgi(self) -> Coroutine[Any, Any, None]:
        cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self._open_writer
        return super().run_asgi()

    def start_keepalive(self) -> None:
        super().start_keepalive()
        # The handshake is over, and with it the use of these: some kilobytes. Emptied, because the
        # parser holds on to the request.
        self.request.headers.clear()
        del self.request, self.response

    def _open_writer(self) -> TransportWriter:
        """The writer of a connection that is accepted.

        What is written after a close frame is dropped. Raises ``RuntimeError`` where the
        connection is not accepted yet.
        """
        if not self.handshake_complete and not self.transport.is_closing():
            raise RuntimeError("the connection is not accepted")
        if self.writer is not None:
            return self.writer
        bits = _compression(self.conn)
        self.writer = TransportWriter(
            self.transport,
            self.transport.write,
            "text" if bits is None else ("deflate", bits),
            text_frames if bits is None else partial(compressed_frames, bits=bits),
            paused=not self.writable.is_set(),
        )
        self._end_if_closed()
        return self.writer

    def _end_if_closed(self) -> None:
        """No frame follows a close frame, in either direction (RFC 6455, section 5.5.1).

        Called after all that may send or receive one, so that a write need not ask.
        """
        if self.writer is not None and (self.disconnected or self.conn.state is not OPEN):
            self.writer.end()


def _compression(connection: ServerProtocol) -> int | None:
    """The bits of the window that was agreed on for what the server sends, if any."""
    for extension in connection.extensions:
        if isinstance(extension, PerMessageDeflate):
            return extension.local_max_window_bits
    return None
