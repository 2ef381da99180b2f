"""A Redis that evicts: a channel has two keys, and either may go without the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import redis

from pushjobs.log.redis import RedisLog
from tests.redis_server import RedisServer, running_redis
from tests.unit.records import CHANNEL, status, word


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as found:
        yield found


@pytest.fixture
async def log(server: RedisServer) -> AsyncIterator[RedisLog]:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    found = RedisLog([server.url])
    yield found
    await found.close()


def evict(server: RedisServer, ending: str) -> None:
    with redis.Redis.from_url(server.url) as client:
        assert client.delete(*client.keys(f"*:{ending}")) == 1


@pytest.mark.parametrize("first", ["append", "heads", "read"])
async def test_a_channel_whose_state_is_gone_starts_afresh_and_takes_events(
    server: RedisServer, log: RedisLog, first: str
) -> None:
    await log.append([status(1), word(1)])
    before = (await log.heads([CHANNEL]))[CHANNEL]
    evict(server, "state")
    if first == "heads":
        await log.heads([CHANNEL])
    elif first == "read":
        assert not (await log.read(CHANNEL, before, 10)).complete
    (entry,) = await log.append([status(2)])
    assert entry is not None
    assert entry.position.offset == 1
    assert entry.position.epoch != before.epoch
    page = await log.read(CHANNEL, None, 10)
    assert [found.record.version for found in page.entries] == [2]


async def test_a_page_whose_entries_are_gone_says_so(server: RedisServer, log: RedisLog) -> None:
    first, _ = await log.append([status(1), word(1)])
    assert first is not None
    evict(server, "stream")
    page = await log.read(CHANNEL, first.position, 10)
    assert (page.complete, page.entries, page.head.offset) == (False, [], 2)
    at_the_head = await log.read(CHANNEL, page.head, 10)
    assert at_the_head.complete
    (entry,) = await log.append([status(2)])
    assert entry is not None
    assert entry.position.offset == 3
    assert not (await log.read(CHANNEL, first.position, 10)).complete
