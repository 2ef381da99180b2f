"""What a really running server sends: events over SSE, frames over WebSocket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest
from httpx_sse import ServerSentEvent, connect_sse
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.processes import NO_TLS, Server

PATIENCE = 30.0
TERMINAL = frozenset({"job.succeeded", "job.failed", "job.cancelled"})

Frame = dict[str, Any]


class User:
    """One who is logged in."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.url, timeout=PATIENCE, verify=NO_TLS)
        self.jobs: list[dict[str, Any]] = []
        self.http.headers["X-CSRFToken"] = self.http.get(f"/test-login/user-{uuid4().hex}").text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def submit(self, name: str, *, run_at: str | None = None, **args: Any) -> dict[str, Any]:
        body = {"name": name, "args": args, "tags": ["seen"], "run_at": run_at}
        response = self.http.post("/jobs", json=body)
        assert response.status_code == 202, response.text
        job: dict[str, Any] = response.json()
        return job

    def until(self, job: dict[str, Any], condition: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until a job's document is as it should be."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            document = self.http.get(job["links"]["self"], headers={"Prefer": "wait=1"}).json()
            if condition(document):
                return
        raise AssertionError(f"the job stays as it is: {document}")

    def cancel(self, job: dict[str, Any]) -> None:
        assert self.http.post(job["links"]["cancel"]).status_code in (200, 202)

    def stream(self, path: str, last: Callable[[str], bool]) -> list[ServerSentEvent]:
        """The events of a stream up to the one whose type ``last`` accepts."""
        seen: list[ServerSentEvent] = []
        with connect_sse(self.http, "GET", path) as source:
            assert source.response.status_code == 200, path
            for event in source.iter_sse():
                if not event.data:
                    continue  # a block without data is no event (WHATWG HTML, section 9.2.6)
                seen.append(event)
                if last(event.event):
                    break
        return seen

    @contextmanager
    def socket(self) -> Iterator[Socket]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        with connect(self.server.socket_url, additional_headers={"Cookie": cookies}) as wire:
            yield Socket(wire)


class Socket:
    """A WebSocket that keeps all frames in both directions."""

    def __init__(self, wire: ClientConnection) -> None:
        self.wire = wire
        self.sent: list[Frame] = []
        self.received: list[Frame] = []

    def send(self, **frame: Any) -> None:
        self.sent.append(frame)
        self.wire.send(json.dumps(frame))

    def until(self, condition: Callable[[Frame], bool]) -> Frame:
        """Read up to a frame that ``condition`` accepts."""
        while True:
            frame: Frame = json.loads(self.wire.recv(timeout=PATIENCE))
            self.received.append(frame)
            if condition(frame):
                return frame

    def until_type(self, name: str) -> Frame:
        return self.until(lambda frame: frame["type"] == name)

    def closed(self) -> int:
        """Read to the end; returns the close code."""
        with pytest.raises(ConnectionClosed) as closed:
            self.until(lambda _: False)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code
