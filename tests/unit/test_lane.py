"""``pushjobs.lane``: a shard out of reach holds up no other; a busy one gathers what comes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Hashable, Iterator, Sequence
from uuid import UUID

import pytest

from pushjobs.events import Entry, EventType, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.lane import _REST
from pushjobs.log.memory import MemoryLog
from pushjobs.publisher import Publisher
from tests.unit.records import JOB, OTHER, event, gauge
from tests.unit.test_publisher import Bell
from tests.waiting import until

SLEEP = asyncio.sleep


class TwoShards(MemoryLog):
    """Users' channels are on one shard, all others on another."""

    def __init__(self) -> None:
        super().__init__()
        self.down: set[Hashable] = set()

    def shard(self, channel: str) -> Hashable:
        return channel.startswith("user:")

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        shards = {self.shard(record.channel) for record in records}
        assert len(shards) == 1, "one call for two shards fails for both"
        if shards & self.down:
            raise LogUnavailable()
        return await super().append(records)


def test_what_one_shard_cannot_take_waits_and_the_rest_is_told() -> None:
    log, bell = TwoShards(), Bell()
    published: list[tuple[UUID, int]] = []
    publisher = Publisher(log, bell, lambda *pair: published.append(pair))
    log.down = {True}
    publisher.publish(event(EventType.QUEUED, version=1), (f"job:{JOB}", "user:1"))
    publisher.publish(event(EventType.QUEUED, job=OTHER, version=1), (f"job:{OTHER}",))
    until(lambda: published == [(UUID(OTHER), 1)])
    assert not publisher.flush(0.01)
    assert [entry.record.channel for entry in bell.rings] == [f"job:{JOB}", f"job:{OTHER}"]

    log.down = set()
    assert publisher.flush(20)
    assert published == [(UUID(OTHER), 1), (UUID(JOB), 1)]
    assert bell.rings[-1].record.channel == "user:1"


def test_a_full_shard_holds_back_no_progress_of_another() -> None:
    log, bell = TwoShards(), Bell()
    publisher = Publisher(log, bell)
    log.down = {True}
    for version in range(1, 10_102):
        publisher.publish(event(EventType.QUEUED, version=version), ("user:1",))
    assert publisher.backlog == 10_001  # The rest is announced by a relay.
    publisher.progress(gauge(1, job=OTHER), (f"job:{OTHER}",))
    publisher.progress(gauge(1), ("user:1",))
    until(lambda: [entry.record.job for entry in bell.rings] == [OTHER])
    log.down = set()
    assert publisher.flush(20)
    page = asyncio.run(log.read("user:1", None, 20_000))
    assert page.head.offset == 10_001


class Clock:
    """Stands in for ``asyncio.sleep`` where a lane rests; a rest ends when ``go`` is set."""

    def __init__(self) -> None:
        self.rests = 0
        self.go = threading.Event()

    async def sleep(self, seconds: float) -> None:
        if 0 < seconds <= _REST:
            self.rests += 1
            await asyncio.to_thread(self.go.wait)
        else:
            await SLEEP(seconds)


class Held(MemoryLog):
    """Notes how many records each call appends; a call waits until it is let through."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []
        self.let = threading.Semaphore(0)

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        self.calls.append(len(records))
        await asyncio.to_thread(self.let.acquire)
        return await super().append(records)


@pytest.fixture
def log() -> Iterator[Held]:
    found = Held()
    yield found
    found.let.release(99)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    found = Clock()
    monkeypatch.setattr("pushjobs.lane.asyncio.sleep", found.sleep)
    yield found
    found.go.set()


def test_a_lane_that_is_busy_gathers_what_comes_into_one_round_trip(
    clock: Clock, log: Held
) -> None:
    publisher = Publisher(log, Bell())
    announce(publisher, 1)
    until(lambda: log.calls == [1])
    announce(publisher, 2)
    log.let.release()
    until(lambda: log.calls == [1, 1])
    announce(publisher, 3)
    log.let.release()
    until(lambda: clock.rests == 1)
    announce(publisher, 4, 5)
    assert log.calls == [1, 1]
    clock.go.set()
    log.let.release(9)
    assert publisher.flush(20)
    assert log.calls == [1, 1, 3]


def test_what_comes_by_itself_waits_for_nothing_else(clock: Clock, log: Held) -> None:
    publisher = Publisher(log, Bell())
    log.let.release(9)
    for version in range(1, 5):
        announce(publisher, version)
        assert publisher.flush(20)
    assert (log.calls, clock.rests) == ([1, 1, 1, 1], 0)


def announce(publisher: Publisher, *versions: int) -> None:
    for version in versions:
        publisher.publish(event(EventType.QUEUED, version=version), (f"job:{JOB}",))
