"""``pushjobs.lane``: a shard of the log that is out of reach holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from uuid import UUID

from pushjobs.events import Entry, EventType, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.log.memory import MemoryLog
from pushjobs.publisher import Publisher
from tests.unit.records import JOB, OTHER, event, gauge
from tests.unit.test_publisher import Bell
from tests.waiting import until


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
