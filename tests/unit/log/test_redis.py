"""``pushjobs.log.redis``: what it promises beyond the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from pushjobs.events import EventType
from pushjobs.exceptions import BrokenChannel, LogUnavailable
from pushjobs.log.connections import Connections
from pushjobs.log.redis import RedisLog
from pushjobs.log.scripts import APPEND, keys_of
from tests.redis_server import RedisServer, running_redis
from tests.unit.conftest import Configure
from tests.unit.records import CHANNEL, status, word


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may kill."""
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture
async def own_log(own_server: RedisServer) -> AsyncIterator[RedisLog]:
    log = RedisLog([own_server.url])
    yield log
    await log.close()


def calls(server: RedisServer, command: str) -> int:
    with redis.Redis.from_url(server.url) as client:
        return int(client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def test_a_server_that_was_wiped_starts_every_channel_in_another_epoch(
    own_server: RedisServer, own_log: RedisLog
) -> None:
    await own_log.append([status(1), word(1)])
    before = (await own_log.heads([CHANNEL]))[CHANNEL]
    own_server.kill()
    own_server.start()
    page = await own_log.read(CHANNEL, before, 10)
    assert (page.complete, page.entries, page.head.offset) == (False, [], 0)
    assert page.head.epoch != before.epoch


@pytest.mark.parametrize("first", ["append", "heads", "read"])
async def test_a_server_that_lacks_the_last_entries_gives_no_offset_twice(
    own_server: RedisServer, own_log: RedisLog, first: str
) -> None:
    """A replica that takes over, or a file that is older than the crash."""
    await own_log.append([status(1), word(1)])
    with redis.Redis.from_url(own_server.url) as client:
        client.save()
    await own_log.append([word(2), word(3)])
    before = (await own_log.heads([CHANNEL]))[CHANNEL]
    own_server.kill()
    own_server.start()
    with redis.Redis.from_url(own_server.url) as client:
        assert client.keys("*:stream")
    if first == "heads":
        assert (await own_log.heads([CHANNEL]))[CHANNEL].offset == 0
    elif first == "read":
        assert not (await own_log.read(CHANNEL, before, 10)).complete
    (entry,) = await own_log.append([status(2)])
    assert entry is not None
    assert entry.position.epoch != before.epoch
    page = await own_log.read(CHANNEL, before, 10)
    assert (page.complete, page.head) == (False, entry.position)
    assert await own_log.append([status(1), word(1)]) == [None, None]  # As it knew.


async def test_a_server_that_is_down_is_said_to_be_and_serves_again(
    own_server: RedisServer, own_log: RedisLog
) -> None:
    await own_log.append([status(1)])
    own_server.kill()
    for call in (
        own_log.append([word(1)]),
        own_log.read(CHANNEL, None, 1),
        own_log.heads([CHANNEL]),
        own_log.progress([CHANNEL]),
    ):
        with pytest.raises(LogUnavailable):
            await call
    own_server.start()
    assert await own_log.append([word(1)]) != [None]


async def test_what_a_full_server_holds_can_be_read(
    own_server: RedisServer, own_log: RedisLog
) -> None:
    await own_log.append([status(1), word(1)])
    with redis.Redis.from_url(own_server.url) as client:
        client.config_set("maxmemory", "1")
    with pytest.raises(LogUnavailable):
        await own_log.append([word(2)])
    page = await own_log.read(CHANNEL, None, 10)
    assert [entry.position.offset for entry in page.entries] == [1, 2]
    assert (await own_log.heads([CHANNEL]))[CHANNEL] == page.head
    with redis.Redis.from_url(own_server.url) as client:
        client.config_set("maxmemory", "0")
    assert await own_log.append([word(2)]) != [None]


async def test_scripts_that_the_server_forgot_are_sent_again(
    own_server: RedisServer, own_log: RedisLog
) -> None:
    await own_log.append([status(1)])
    with redis.Redis.from_url(own_server.url) as client:
        client.script_flush()
    assert [entry.position.offset for entry in await own_log.append([word(1)]) if entry] == [2]


async def test_a_batch_is_whole_although_the_server_forgets_its_scripts_in_the_middle(
    own_server: RedisServer, own_log: RedisLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"job:{number}" for number in range(300)]
    await own_log.append([status(1, channel=name) for name in names])
    called, hashes = Connections.call, [APPEND.sha, "0" * 40, APPEND.sha]

    async def forgetful(connections: Connections, commands: Sequence[Sequence[Any]]) -> list[Any]:
        if hashes:
            commands = [(name, hashes.pop(0), *rest) for name, _, *rest in commands]
        return await called(connections, commands)

    monkeypatch.setattr(Connections, "call", forgetful)
    appended = await own_log.append([status(2, channel=name) for name in names])
    assert not hashes
    assert [entry.position.offset if entry else None for entry in appended] == [2] * 300


async def test_what_is_over_the_bound_is_deleted_in_lumps(
    own_server: RedisServer, own_log: RedisLog, configure: Configure
) -> None:
    configure(LOG_MAX_EVENTS=16)
    lengths = []
    for seq in range(1, 60):
        await own_log.append([word(seq)])
        with redis.Redis.from_url(own_server.url) as client:
            (stream,) = client.keys("*:stream")
            lengths.append(client.xlen(stream))
        page = await own_log.read(CHANNEL, None, 100)
        assert len(page.entries) == min(seq, 16)
    assert max(lengths) == 18


async def test_what_many_ask_to_read_at_once_takes_one_connection(
    own_server: RedisServer, own_log: RedisLog
) -> None:
    names = [f"user:{number}" for number in range(200)]
    await own_log.append([status(1, channel=name) for name in names])
    pages = await asyncio.gather(*(own_log.read(name, None, 10) for name in names))
    assert [page.entries[0].record.channel for page in pages] == names
    with redis.Redis.from_url(own_server.url) as client:
        assert len(client.client_list()) == 2  # The log's, and this one.


async def test_many_channels_are_few_calls_on_one_connection(
    own_server: RedisServer, own_log: RedisLog
) -> None:
    await own_log.heads(["user:0"])
    before = calls(own_server, "evalsha")
    names = [f"user:{number}" for number in range(600)]
    await own_log.heads(names)
    assert calls(own_server, "evalsha") - before == 3
    with redis.Redis.from_url(own_server.url) as client:
        assert len(client.client_list()) == 2  # The log's, and this one.


async def test_a_channel_expires_with_all_its_keys(
    own_server: RedisServer, own_log: RedisLog
) -> None:
    await own_log.append([status(1), word(1, EventType.PROGRESS)])
    with redis.Redis.from_url(own_server.url) as client:
        assert all(client.pttl(key) > 0 for key in client.keys("*"))
        assert len(client.keys("*")) == 2


async def test_of_jobs_that_ended_no_more_is_kept_than_of_their_entries(
    own_server: RedisServer, own_log: RedisLog, configure: Configure
) -> None:
    configure(LOG_MAX_EVENTS=5)
    for number in range(50):
        job = f"job-{number}"
        ended = status(2, EventType.SUCCEEDED, job=job, channel="user:1")
        await own_log.append([status(1, job=job, channel="user:1"), ended])
    with redis.Redis.from_url(own_server.url) as client:
        (state,) = client.keys("*:state")
        assert client.hlen(state) <= 12


def test_each_event_loop_has_connections_of_its_own(own_server: RedisServer) -> None:
    log = RedisLog([own_server.url])

    async def speak(number: int) -> int:
        (entry,) = await log.append([word(number, channel="user:1")])
        await log.close()
        assert entry is not None
        return entry.position.offset

    assert [asyncio.run(speak(number)) for number in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.parametrize("place", [0, 1], ids=["state", "stream"])
async def test_a_key_with_something_else_in_it_is_not_taken_for_a_server_out_of_reach(
    own_server: RedisServer, own_log: RedisLog, place: int
) -> None:
    await own_log.append([word(1)])
    with redis.Redis.from_url(own_server.url) as client:
        client.set(keys_of(CHANNEL)[place], "a counter of another program")
    with pytest.raises(BrokenChannel, match="WRONGTYPE"):
        await own_log.append([word(2)])
    (entry,) = await own_log.append([word(2, channel="user:1")])
    assert entry is not None
