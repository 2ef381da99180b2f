"""A stream that is told to go while its client is too slow for what it is to catch up with."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest

from pushjobs.access import Caller
from pushjobs.transports.admission import admission
from pushjobs.transports.connections import connections
from pushjobs.transports.stream import Stream
from pushjobs.transportwriter import TransportWriter
from pushjobs.writer import EXTENSION
from tests.unit.uvicorn_server import PATIENCE


class Replay:
    """A subscription with more to replay than the connection takes."""

    over = False

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def run(self) -> None:
        await self._stream.drained()

    def step_out(self) -> None:
        pass

    def close(self) -> None:
        pass


async def never() -> Any:
    await asyncio.Event().wait()


async def taken(_: Any) -> None:
    pass


async def test_it_ends_though_its_client_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushjobs.transports.stream._CLOSE_TIMEOUT", 0.01)
    caller = Caller()
    stream = Stream(["job:x"], admission.connection(caller, 1), caller)
    monkeypatch.setattr(stream, "_subscriptions", [Replay(stream)])
    writer = TransportWriter(Mock(), lambda _: None, "chunk", b"".join, paused=True)
    stream.begin({"extensions": {EXTENSION: lambda: writer}}, taken)
    serving = asyncio.create_task(stream.serve(never, taken))
    await asyncio.sleep(0)
    assert len(connections) == 1
    stream.go_away()
    await asyncio.wait_for(serving, PATIENCE)
    assert (len(connections), admission.open) == (0, 0)
