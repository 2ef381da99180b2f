"""``pushjobs.log.redis`` on several servers, and on one that is a cluster's node."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.crc import key_slot

from project.stack.ports import free_port
from pushjobs.exceptions import LogUnavailable
from pushjobs.log.redis import RedisLog, server_of
from pushjobs.log.scripts import keys_of
from tests.redis_server import RedisServer
from tests.unit.records import status
from tests.waiting import until

CHANNELS = [f"job:{number}" for number in range(400)]
URLS = [f"redis://host-{number}:6379/0" for number in range(4)]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[RedisServer]]:
    with ExitStack() as resources:
        found = [RedisServer(tmp_path), RedisServer(tmp_path)]
        for server in found:
            server.start()
            resources.callback(server.kill)
        yield found


@pytest.fixture
async def log(servers: list[RedisServer]) -> AsyncIterator[RedisLog]:
    found = RedisLog([server.url for server in servers])
    yield found
    await found.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RedisServer]:
    """A cluster of one node, which holds every slot."""
    server = RedisServer(tmp_path, "--cluster-enabled", "yes")
    # The nodes' own port is higher by 10,000; no outgoing connection may have that one either.
    while server.port > 22_000:
        server.port = free_port()
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            client.cluster("ADDSLOTS", *range(SLOTS))
            until(lambda: client.cluster("INFO")["cluster_state"] == "ok")
        yield server
    finally:
        server.kill()


def channel_of(server: RedisServer, servers: list[RedisServer]) -> str:
    """A channel that this server has."""
    urls = [each.url for each in servers]
    return next(name for name in CHANNELS if server_of(name, urls) == server.url)


def test_channels_are_spread_over_all_servers() -> None:
    shares = Counter(server_of(name, URLS) for name in CHANNELS)
    assert set(shares) == set(URLS)
    assert min(shares.values()) > len(CHANNELS) / len(URLS) / 2


def test_a_server_that_is_added_or_removed_moves_its_own_channels_only() -> None:
    for name in CHANNELS:
        assert server_of(name, URLS) in (server_of(name, URLS[:-1]), URLS[-1])


def test_where_a_channel_is_depends_on_neither_order_nor_password() -> None:
    others = [url.replace("//", "//user:secret@") + "?socket_timeout=9" for url in URLS[::-1]]
    for name in CHANNELS:
        assert URLS.index(server_of(name, URLS)) == 3 - others.index(server_of(name, others))


async def test_each_channel_is_on_one_server(servers: list[RedisServer], log: RedisLog) -> None:
    await log.append([status(1, channel=name) for name in CHANNELS[:20]])
    counts = []
    for server in servers:
        with redis.Redis.from_url(server.url) as client:
            counts.append(len(client.keys("*:stream")))
    assert sum(counts) == 20
    assert all(counts)


async def test_while_a_server_is_down_the_channels_of_another_go_on(
    servers: list[RedisServer], log: RedisLog
) -> None:
    down, up = (channel_of(server, servers) for server in servers)
    await log.append([status(1, channel=down), status(1, channel=up)])
    servers[0].kill()
    (entry,) = await log.append([status(2, channel=up)])
    assert entry is not None
    assert dict(await log.heads([down, up])) == {up: entry.position}
    assert await log.progress([down, up]) == {}
    assert (await log.read(up, None, 10)).head == entry.position
    with pytest.raises(LogUnavailable):
        await log.heads([down])
    servers[0].start()


async def test_what_one_of_the_servers_did_not_take_is_appended_once_it_is_back(
    servers: list[RedisServer], log: RedisLog
) -> None:
    down, up = (channel_of(server, servers) for server in servers)
    batch = [status(1, channel=down), status(1, channel=up)]
    servers[0].kill()
    with pytest.raises(LogUnavailable):
        await log.append(batch)
    servers[0].start()
    late, known = await log.append(batch)
    assert late is not None
    assert known is None
    assert (await log.heads([up]))[up].offset == 1


@pytest.mark.parametrize("channel", ["job:1", "tag:1:{a}b", "tag:1:}{", "tag:1:ü"])
def test_both_keys_of_a_channel_are_in_one_slot_of_a_cluster(channel: str) -> None:
    assert len({key_slot(key) for key in keys_of(channel)}) == 1


async def test_its_scripts_run_on_a_node_of_a_cluster(node: RedisServer) -> None:
    log = RedisLog([node.url])
    entries = await log.append([status(1, channel=name) for name in CHANNELS[:20]])
    assert all(entry and entry.position.offset == 1 for entry in entries)
    assert len(await log.heads(CHANNELS[:20])) == 20
    assert len((await log.read(CHANNELS[0], None, 10)).entries) == 1
    await log.close()
