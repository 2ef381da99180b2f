"""``pushjobs.log.connections``: one round trip at a time, and none gets another's replies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from pushjobs.log.connections import Connections
from tests.redis_server import RedisServer, running_redis
from tests.waiting import until


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture
async def connections(own_server: RedisServer) -> AsyncIterator[Connections]:
    found = Connections(own_server.url)
    yield found
    await found.close()


def clients(server: RedisServer) -> int:
    """How many are connected, but for who asks."""
    with redis.Redis.from_url(server.url) as client:
        return len(client.client_list()) - 1


async def test_replies_come_in_the_order_of_the_commands(connections: Connections) -> None:
    commands = [("ECHO", str(number)) for number in range(300)]
    assert await connections.call(commands) == [b"%d" % number for number in range(300)]


async def test_an_error_stands_in_the_place_of_its_reply(connections: Connections) -> None:
    first, second, third = await connections.call([("ECHO", "a"), ("NOT-A-COMMAND",), ("PING",)])
    assert (first, third) == (b"a", b"PONG")
    assert isinstance(second, ResponseError)


async def test_a_connection_is_used_again(
    own_server: RedisServer, connections: Connections
) -> None:
    for _ in range(3):
        await connections.call([("PING",)])
    assert clients(own_server) == 1


async def test_calls_at_the_same_time_have_a_connection_each(
    own_server: RedisServer, connections: Connections
) -> None:
    calls = (connections.call([("ECHO", name)]) for name in "abc")
    assert await asyncio.gather(*calls) == [[b"a"], [b"b"], [b"c"]]
    assert clients(own_server) == 3


async def test_no_one_gets_the_reply_of_a_call_that_was_given_up(
    own_server: RedisServer, connections: Connections
) -> None:
    await connections.call([("PING",)])
    given_up = asyncio.create_task(connections.call([("BLPOP", "nothing", "0")]))
    with redis.Redis.from_url(own_server.url) as client:
        waits = partial(until, lambda: client.info("clients")["blocked_clients"] == 1)
        await asyncio.to_thread(waits)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        client.rpush("nothing", "late")
    assert await connections.call([("ECHO", "mine")]) == [b"mine"]


async def test_a_server_that_does_not_answer_is_not_waited_for(own_server: RedisServer) -> None:
    connections = Connections(own_server.url + "?socket_timeout=0.05")
    with pytest.raises(TimeoutError):
        await connections.call([("BLPOP", "nothing", "0")])
    assert await connections.call([("PING",)]) == [b"PONG"]
    await connections.close()


async def test_all_that_a_restart_has_cut_off_is_found_out_at_once(
    own_server: RedisServer, connections: Connections
) -> None:
    await asyncio.gather(*(connections.call([("PING",)]) for _ in range(3)))
    own_server.kill()
    own_server.start()
    with pytest.raises((RedisConnectionError, OSError, RuntimeError)):
        await connections.call([("PING",)])
    assert await connections.call([("PING",)]) == [b"PONG"]
