"""``pushjobs.transports.connections``: heartbeats, the age of a stream, and the drain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from pushjobs.transports import connections as module
from pushjobs.transports.connections import Connections
from tests.unit.conftest import Configure


class Stream:
    """An open stream; ``leaves`` says whether it ends once it is told to go."""

    def __init__(self, home: Connections, *, heartbeat: float = 60, leaves: bool = True) -> None:
        self.heartbeat = heartbeat
        self.beats = 0
        self.told = 0
        self.expired = 0
        self._home = home
        self._leaves = leaves
        home.add(self)

    def beat(self) -> None:
        self.beats += 1

    def expire(self) -> None:
        self.expired += 1

    def go_away(self) -> None:
        self.told += 1
        if self._leaves:
            # Later, as a transport does: it has yet to write.
            asyncio.get_running_loop().call_soon(self._home.remove, self)


class Clock:
    """The time, as a test sets it."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, configure: Configure) -> Clock:
    found = Clock()
    monkeypatch.setattr(
        module, "time", SimpleNamespace(monotonic=found.monotonic, time=found.monotonic)
    )
    monkeypatch.setattr(module, "_TICK", 0)
    configure(MAX_CONNECTION_AGE=3600)
    return found


@pytest.fixture
def home() -> Connections:
    return Connections()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0)


async def ticks(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_heartbeat_comes_within_its_interval_and_each_time(
    home: Connections, clock: Clock
) -> None:
    stream = Stream(home, heartbeat=60)
    clock.now += 29
    await ticks()
    assert stream.beats == 0
    clock.now += 31
    await until(lambda: stream.beats == 1)
    await ticks()
    assert stream.beats == 1
    clock.now += 60
    await until(lambda: stream.beats == 2)
    home.remove(stream)


async def test_a_stream_that_is_old_enough_is_told_to_go_once(
    home: Connections, clock: Clock
) -> None:
    stream = Stream(home, heartbeat=10_000, leaves=False)
    clock.now += 0.74 * 3600
    await ticks()
    assert stream.told == 0
    clock.now += 0.26 * 3600
    await until(lambda: stream.told == 1)
    await ticks()
    assert stream.told == 1
    home.remove(stream)


async def test_streams_that_came_at_once_do_not_grow_old_at_once(
    home: Connections, clock: Clock
) -> None:
    streams = [Stream(home, heartbeat=10_000, leaves=False) for _ in range(100)]
    clock.now += 0.875 * 3600
    await until(lambda: any(stream.told for stream in streams))
    await ticks()
    assert 0 < sum(stream.told for stream in streams) < 100
    for stream in streams:
        home.remove(stream)


async def test_the_clock_stops_with_the_last_stream_and_starts_with_the_next(
    home: Connections, clock: Clock
) -> None:
    home.remove(Stream(home))
    await ticks()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    stream = Stream(home)
    clock.now += 60
    await until(lambda: stream.beats == 1)
    home.remove(stream)


async def test_a_token_ends_its_stream_once_and_only_when_it_expires(
    home: Connections, clock: Clock
) -> None:
    stream, other = Stream(home, leaves=False), Stream(home, leaves=False)
    home.remove(stream)
    home.add(stream, expires=clock.now + 600)
    clock.now += 599
    await until(lambda: bool(stream.beats))
    assert stream.expired == 0
    clock.now += 2
    await until(lambda: bool(stream.expired))
    clock.now += 600
    other.beats = 0
    await until(lambda: bool(other.beats))
    assert (stream.expired, other.expired) == (1, 0)


async def test_a_token_that_has_expired_ends_its_stream_at_once(home: Connections) -> None:
    stream = Stream(home, leaves=False)
    home.remove(stream)
    home.add(stream, expires=1)
    await until(lambda: bool(stream.expired))


async def test_a_drain_tells_each_once_and_waits_until_all_are_gone(home: Connections) -> None:
    streams = [Stream(home) for _ in range(30)]
    await home.drain(0.01, 60)
    assert [stream.told for stream in streams] == [1] * 30
    assert len(home) == 0


async def test_a_drain_is_spread_over_its_window(home: Connections) -> None:
    streams = [Stream(home) for _ in range(5)]
    drain = asyncio.ensure_future(home.drain(0.03, 60))
    told: list[int] = []
    while not drain.done():
        told.append(sum(stream.told for stream in streams))
        await asyncio.sleep(0)
    assert set(told) - {0, 5}, "all were told in one step"


async def test_in_a_long_window_the_second_has_time(
    home: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MIN_RATE", 0.001)
    streams = [Stream(home) for _ in range(5)]
    drain = asyncio.ensure_future(home.drain(5000, 60))
    await ticks(100)
    assert sum(stream.told for stream in streams) == 1
    drain.cancel()
    for stream in streams:
        home.remove(stream)


async def test_few_streams_do_not_take_the_whole_window(
    home: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MIN_RATE", 10_000)
    for _ in range(3):
        Stream(home)
    await asyncio.wait_for(home.drain(10_000, 60), 20)


async def test_a_drain_that_is_late_catches_up_without_a_pause(
    home: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where there are more streams than a timer can tell apart in the window."""
    late = iter(range(0, 10**9, 1000))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(late)))
    streams = [Stream(home) for _ in range(100)]
    drain = asyncio.ensure_future(home.drain(1000, 60))
    await asyncio.sleep(0)
    assert [stream.told for stream in streams] == [1] * 100
    await drain


async def test_who_comes_during_a_drain_is_told_to_go_and_waited_for(home: Connections) -> None:
    stuck = Stream(home, leaves=False)
    drain = asyncio.ensure_future(home.drain(0, 60))
    await until(lambda: stuck.told == 1)
    late = Stream(home, leaves=False)
    assert late.told == 1
    home.remove(stuck)
    await ticks()
    assert not drain.done()
    home.remove(late)
    await drain


async def test_who_leaves_before_its_turn_is_not_told(home: Connections) -> None:
    streams = [Stream(home) for _ in range(3)]
    drain = asyncio.ensure_future(home.drain(0.02, 60))
    await until(lambda: any(stream.told for stream in streams))
    for stream in streams:
        home.remove(stream)
    await drain
    assert sum(stream.told for stream in streams) == 1


async def test_a_drain_does_not_wait_for_ever(home: Connections) -> None:
    stuck = Stream(home, leaves=False)
    await home.drain(0, 0.001)
    assert len(home) == 1
    home.remove(stuck)


def test_a_second_event_loop_of_the_process_can_drain_too(home: Connections) -> None:
    async def lifetime() -> None:
        home.draining = False
        Stream(home)
        await home.drain(0, 60)
        assert len(home) == 0

    asyncio.run(lifetime())
    asyncio.run(lifetime())
