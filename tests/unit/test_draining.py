"""``pushjobs.draining``: what a drain waits for, and its place before uvicorn's own stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from pushjobs import draining
from pushjobs.hub import get_hub
from pushjobs.transports.connections import Connections

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    found = Connections()
    monkeypatch.setattr(draining, "connections", found)
    return found


class Call:
    """A call of an application that goes on until ``go_on`` is set, and then answers."""

    def __init__(self, **scope: str) -> None:
        self.go_on = asyncio.Event()
        self.sent: list[Any] = []
        scope = {"type": "http", "http_version": "1.1"} | scope
        self.task = asyncio.ensure_future(draining.parting(self._answer)(scope, None, self._send))

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return self.sent[0].get("headers", [])

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        await self.go_on.wait()
        headers = [(b"x-own", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"all"})

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def end(self) -> None:
        self.go_on.set()
        await self.task


async def test_a_call_that_began_before_the_drain_says_that_it_is_the_last(
    connections: Connections,
) -> None:
    call = Call()
    await asyncio.sleep(0)
    connections.draining = True
    await call.end()
    assert call.headers == [(b"x-own", b"1"), (b"connection", b"close")]
    assert call.sent[1] == {"type": "http.response.body", "body": b"all"}


async def test_a_process_that_goes_on_says_nothing(connections: Connections) -> None:
    call = Call()
    await call.end()
    assert call.headers == [(b"x-own", b"1")]


@pytest.mark.parametrize("scope", [{"http_version": "2"}, {"type": "websocket"}])
async def test_only_http_1_has_the_header(connections: Connections, scope: dict[str, str]) -> None:
    connections.draining = True
    call = Call(**scope)
    await call.end()
    assert call.headers == [(b"x-own", b"1")]


async def test_a_drain_waits_for_calls_before_it_stops_the_hub(connections: Connections) -> None:
    hub = get_hub()
    hub.start()
    calls = [Call(), Call(type="websocket")]
    await asyncio.sleep(0)
    drain = asyncio.ensure_future(draining.drain())
    for call in calls:
        for _ in range(20):
            await asyncio.sleep(0)
        assert not drain.done()
        assert hub._running
        await call.end()
    await drain
    assert not hub._running


async def test_a_drain_does_not_wait_for_ever_for_a_call(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "_LAST_WAIT", 0.01)
    call = Call()
    await asyncio.sleep(0)
    await draining.drain()
    assert not call.task.done()
    await call.end()


@pytest.fixture
def server() -> Iterator[uvicorn.Server]:
    """A server of uvicorn's that has taken over the signals, and has yet to listen."""
    found = uvicorn.Server(uvicorn.Config("nowhere:application"))
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, found.handle_exit)
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


class Stop:
    """A stop that goes on until ``go_on`` is set."""

    def __init__(self) -> None:
        self.calls = 0
        self.go_on = asyncio.Event()

    async def __call__(self) -> None:
        self.calls += 1
        await self.go_on.wait()


async def until_begun(stop: Stop) -> None:
    async with asyncio.timeout(20):
        while not stop.calls:
            await asyncio.sleep(0)


@pytest.mark.parametrize("number", SIGNALS)
async def test_uvicorn_stops_after_what_precedes_it(
    connections: Connections, server: uvicorn.Server, number: signal.Signals
) -> None:
    stop = Stop()
    draining.precede_uvicorn(stop)
    os.kill(os.getpid(), number)
    assert connections.draining
    await until_begun(stop)
    assert not server.should_exit
    stop.go_on.set()
    async with asyncio.timeout(20):
        while not server.should_exit:
            await asyncio.sleep(0)
    assert server._captured_signals == [number]
    assert not server.force_exit


async def test_uvicorn_stops_even_where_what_precedes_it_fails(
    connections: Connections, server: uvicorn.Server, caplog: pytest.LogCaptureFixture
) -> None:
    async def stop() -> None:
        raise RuntimeError("the hub is gone")

    draining.precede_uvicorn(stop)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(20):
        while not server.should_exit:
            await asyncio.sleep(0)
    assert "the hub is gone" in caplog.text


@pytest.mark.parametrize("second", SIGNALS)
async def test_only_a_second_interrupt_ends_the_wait(
    connections: Connections, server: uvicorn.Server, second: signal.Signals
) -> None:
    stop = Stop()
    draining.precede_uvicorn(stop)
    os.kill(os.getpid(), signal.SIGINT)
    await until_begun(stop)
    os.kill(os.getpid(), second)
    assert server.should_exit == server.force_exit == (second == signal.SIGINT)
    assert stop.calls == 1
    stop.go_on.set()
    async with asyncio.timeout(20):
        while not server.should_exit:
            await asyncio.sleep(0)


async def test_under_another_server_signals_stay_as_they_are(connections: Connections) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    draining.precede_uvicorn(Stop())
    assert [signal.getsignal(number) for number in SIGNALS] == before
