"""``pushjobs.lifespan``: a process that cannot start says so, and one may start again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from pushjobs.lifespan import WebProcess, lifespan
from pushjobs.transports.connections import connections


class Server:
    """A server's side of the protocol."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[Any] = asyncio.Queue()
        self._told: asyncio.Queue[Any] = asyncio.Queue()
        self.task = asyncio.ensure_future(
            lifespan({"type": "lifespan"}, self._asked.get, self._told.put)
        )

    async def ask(self, kind: str) -> Any:
        self._asked.put_nowait({"type": f"lifespan.{kind}"})
        return await asyncio.wait_for(self._told.get(), 20)


async def test_a_process_drains_when_it_stops_and_may_start_again() -> None:
    for _ in range(2):
        server = Server()
        assert await server.ask("startup") == {"type": "lifespan.startup.complete"}
        assert not connections.draining
        assert await server.ask("shutdown") == {"type": "lifespan.shutdown.complete"}
        assert connections.draining
        await server.task


@pytest.mark.parametrize(
    ("error", "logged"),
    [(ImproperlyConfigured("one process may"), False), (OSError("the disk is full"), True)],
)
async def test_a_process_that_cannot_start_keeps_its_server_from_serving(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    logged: bool,
) -> None:
    async def fail(process: WebProcess) -> None:
        raise error

    monkeypatch.setattr(WebProcess, "start", fail)
    server = Server()
    told = await server.ask("startup")
    assert told == {"type": "lifespan.startup.failed", "message": str(error)}
    await server.task
    assert ("the process cannot start" in caplog.text) is logged


async def test_a_second_stop_waits_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    drains, gate = 0, asyncio.Event()

    async def drain() -> None:
        nonlocal drains
        drains += 1
        await gate.wait()

    monkeypatch.setattr("pushjobs.lifespan.drain", drain)
    process = WebProcess()
    first, second = (asyncio.ensure_future(process.stop()) for _ in range(2))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not second.done()
    gate.set()
    await asyncio.gather(first, second)
    assert drains == 1
