"""A way to the server that lets only some of it through, as networks do."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.processes import Server

_CHUNK = 65536


class _Gate(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, server: Server, *, sockets: bool, streams: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.server = server
        self.sockets = sockets
        self.streams = streams
        self.closed = threading.Event()


class _Passage(socketserver.BaseRequestHandler):
    server: _Gate

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := self.request.recv(_CHUNK)):
                return
            head += data
        lowered = head.lower()
        if not self.server.sockets and b"upgrade: websocket" in lowered:
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        elif not self.server.streams and b"accept: text/event-stream" in lowered:
            self.server.closed.wait()  # One that waits for the end before it passes anything on.
        else:
            self._pass(head)

    def _pass(self, head: bytes) -> None:
        # One request for each connection, so that each is looked at.
        first, rest = head.split(b"\r\n", 1)
        with socket.create_connection(("127.0.0.1", self.server.server.port)) as far:
            far.sendall(first + b"\r\nConnection: close\r\n" + rest)
            near = threading.Thread(target=_copy, args=(self.request, far), daemon=True)
            near.start()
            _copy(far, self.request)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def narrow(server: Server, *, sockets: bool = False, streams: bool = True) -> Iterator[str]:
    """The URL of a way to ``server`` without WebSockets, and perhaps with streams held back."""
    gate = _Gate(server, sockets=sockets, streams=streams)
    thread = threading.Thread(target=gate.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{gate.server_address[1]}"
    finally:
        gate.closed.set()
        gate.shutdown()
        gate.server_close()
        thread.join()
