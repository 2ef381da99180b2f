"""Clients of the three transports behind one interface, so that a test is written once.

Each follows as a good client does: it goes on until it is told that there is no more to come (SSE:
204; polling: ``ended``; WebSocket: ``unsubscribed``), and raises ``Refused`` where it is refused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from httpx_sse import EventSource
from websockets.sync.client import ClientConnection, connect

from tests.processes import NO_TLS, Server

#: How long a client waits for the next word; no test runs into it unless something is lost.
PATIENCE = 20.0


def http_client(server: Server, **options: Any) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=PATIENCE, verify=NO_TLS, **options)


class Refused(Exception):
    """The server refused a channel. ``code`` is the error's name with underscores."""

    def __init__(self, code: str, document: dict[str, Any]) -> None:
        super().__init__(code)
        self.code = code
        self.document = document


@dataclass(frozen=True)
class Credentials:
    """A token, or the cookies of a session, or ``tokens`` for the URL; any may be missing."""

    token: str | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()

    def headers(self, *, token: bool = True) -> dict[str, str]:
        found = {}
        if token and self.token is not None:
            found["Authorization"] = f"Bearer {self.token}"
        if self.cookies:
            found["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        return found


@dataclass(frozen=True)
class Told:
    """An event as a client was told it. ``cursor`` is None where none came with it."""

    cursor: str | None
    event: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def data(self) -> Any:
        return self.event["data"]


class Following:
    """One client that follows some channels: iterate for its events.

    ``cursor`` is what the same transport takes to go on from here. ``recovered`` is None where no
    cursor was given.
    """

    def __init__(
        self, server: Server, channels: Sequence[str], credentials: Credentials, cursor: Any
    ) -> None:
        self.server = server
        self.channels = list(channels)
        self.credentials = credentials
        self.cursor = cursor
        self.recovered: bool | None = None
        self._stack = ExitStack()
        self._events = self._follow()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._events.close()
        self._stack.close()

    def __iter__(self) -> Iterator[Told]:
        return self._events

    def __next__(self) -> Told:
        return next(self._events)

    def until(self, *types: str) -> list[Told]:
        """The events up to the first of these types."""
        found = []
        for told in self:
            found.append(told)
            if told.type in types:
                return found
        raise AssertionError(f"no {types} in {[told.type for told in found]}")

    def rest(self) -> list[Told]:
        """All that is yet to come; the client is closed afterwards."""
        with self:
            return list(self)

    def _follow(self) -> Iterator[Told]:
        raise NotImplementedError

    def _client(self) -> httpx.Client:
        return self._stack.enter_context(
            http_client(self.server, headers=self.credentials.headers())
        )

    def _target(self) -> tuple[str, list[tuple[str, str]]]:
        """The URL of the channels' events: that of one job, or the one for many."""
        tokens = [("token", text) for text in self.credentials.tokens]
        kind, _, job = self.channels[0].partition(":")
        if len(self.channels) == 1 and kind == "job" and job:
            return f"/jobs/{job}/events", tokens
        return "/jobs/events", [*(("channel", name) for name in self.channels), *tokens]


def _check(response: httpx.Response) -> None:
    if response.status_code >= 400:
        response.read()
        document = response.json()
        assert response.headers["content-type"] == "application/problem+json"
        assert document["status"] == response.status_code
        raise Refused(document["type"].rpartition(":")[2].replace("-", "_"), document)


class Sse(Following):
    """As a browser's ``EventSource`` does: where the stream ends, it comes back with the last id.

    ``streams`` counts the streams that brought something.
    """

    streams = 0

    def _follow(self) -> Iterator[Told]:
        client = self._client()
        url, params = self._target()
        self.recovered = None if self.cursor is None else True
        while True:
            headers = {"Accept": "text/event-stream"}
            if self.cursor is not None:
                headers["Last-Event-ID"] = self.cursor
            with client.stream("GET", url, params=params, headers=headers) as response:
                _check(response)
                if response.status_code == 204:
                    return
                self.streams += 1
                yield from self._read(response)

    def _read(self, response: httpx.Response) -> Iterator[Told]:
        for block in EventSource(response).iter_sse():
            if not block.data:
                self.cursor = block.id or self.cursor
                continue
            event = block.json()
            assert event["type"] == block.event
            moved = bool(block.id) and block.id != self.cursor
            self.cursor = block.id or self.cursor
            if event["data"].get("recovered") is False:
                self.recovered = False
            yield Told(block.id if moved else None, event)


class Polling(Following):
    """Asks for page after page, each time waiting for something new."""

    wait = 5

    def _follow(self) -> Iterator[Told]:
        client = self._client()
        url, params = self._target()
        headers = {"Accept": "application/json", "Prefer": f"wait={self.wait}"}
        first = True
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            query = params if self.cursor is None else [*params, ("cursor", self.cursor)]
            response = client.get(url, params=query, headers=headers)
            _check(response)
            page = response.json()
            if first or page["recovered"] is False:
                self.recovered = page["recovered"]
            first = False
            self.cursor = page["cursor"]
            for item in page["events"]:
                yield Told(item["cursor"], item["event"])
                deadline = time.monotonic() + PATIENCE
            if page["ended"]:
                return
        raise TimeoutError("nothing more has come")


class WebSocket(Following):
    """Subscribes each channel; its ``cursor`` is a dict by channel where there are many."""

    def _follow(self) -> Iterator[Told]:
        self.socket: ClientConnection = self._stack.enter_context(
            connect(
                self.server.socket_url,
                additional_headers=self.credentials.headers(token=False),
                open_timeout=PATIENCE,
                proxy=None,
            )
        )
        assert self.receive()["type"] == "welcome"
        single = len(self.channels) == 1
        cursors = {self.channels[0]: self.cursor} if single else dict(self.cursor or {})
        for name in self.channels:
            frame = {"type": "subscribe", "channel": name, "token": self.credentials.token}
            self.socket.send(json.dumps(frame | {"cursor": cursors.get(name)}))
        open_channels = set(self.channels)
        while open_channels:
            frame = self.receive()
            match frame["type"]:
                case "subscribed":
                    self._subscribed(frame)
                case "unsubscribed":
                    open_channels.discard(frame["channel"])
                case "error":
                    raise Refused(frame["code"], frame)
                case "event":
                    told = Told(frame["cursor"], frame["event"])
                    assert told.event["channel"] == frame["channel"]
                    if told.cursor is not None:
                        cursors[frame["channel"]] = told.cursor
                        self.cursor = told.cursor if single else dict(cursors)
                    if told.data.get("recovered") is False:
                        self.recovered = False
                    yield told

    def receive(self) -> dict[str, Any]:
        """The next frame but heartbeats."""
        while True:
            frame: dict[str, Any] = json.loads(self.socket.recv(timeout=PATIENCE))
            if frame["type"] != "pong":
                return frame

    def _subscribed(self, frame: dict[str, Any]) -> None:
        if frame["recovered"] is not None:
            self.recovered = frame["recovered"] and self.recovered is not False


TRANSPORTS: dict[str, type[Following]] = {"websocket": WebSocket, "sse": Sse, "polling": Polling}


@dataclass(frozen=True)
class Follower:
    """A transport of a server: makes clients that follow."""

    server: Server
    transport: str

    def follow(
        self, *channels: str, by: Credentials | str | None = None, cursor: Any = None
    ) -> Following:
        """Follow channels with a token or a session, from a cursor on."""
        credentials = by if isinstance(by, Credentials) else Credentials(by)
        return TRANSPORTS[self.transport](self.server, channels, credentials, cursor)
