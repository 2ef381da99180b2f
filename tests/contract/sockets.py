"""A client of the WebSocket that speaks single frames."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.contract.clients import Document, channel_of
from tests.contract.followers import PATIENCE
from tests.processes import Server


class Socket:
    """A connection that speaks frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **frame: Any) -> None:
        self.connection.send(json.dumps(frame))

    def receive(self, *types: str) -> dict[str, Any]:
        """The next frame, or the next of these types."""
        while True:
            frame: dict[str, Any] = json.loads(self.connection.recv(timeout=PATIENCE))
            if not types or frame["type"] in types:
                return frame

    def subscribe(self, job: Document, **more: Any) -> dict[str, Any]:
        self.send(type="subscribe", channel=channel_of(job), token=job["token"], **more)
        return self.receive("subscribed", "error")

    def close_code(self) -> int | None:
        """The code with which the server closes the connection."""
        try:
            while True:
                self.connection.recv(timeout=PATIENCE)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


@contextmanager
def connected(server: Server, **headers: str) -> Iterator[Socket]:
    # Without a bound it reads on while a test only sends, and so learns at once of a close.
    options: dict[str, Any] = {"additional_headers": headers, "proxy": None, "max_queue": None}
    with connect(server.socket_url, open_timeout=PATIENCE, **options) as connection:
        yield Socket(connection)
