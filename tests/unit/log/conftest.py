"""The implementations that must keep the log's contract. To add one, add a line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import redis

from pushjobs.log import Log
from pushjobs.log.memory import MemoryLog
from pushjobs.log.redis import RedisLog


def make_memory_log(request: pytest.FixtureRequest) -> Log:
    return MemoryLog()


def make_redis_log(request: pytest.FixtureRequest) -> Log:
    """Two databases stand for two servers, so that channels are spread."""
    url = request.getfixturevalue("redis_server")
    urls = [url, url.removesuffix("/0") + "/1"]
    for each in urls:
        with redis.Redis.from_url(each) as client:
            client.flushdb()
    return RedisLog(urls)


IMPLEMENTATIONS: dict[str, Callable[[pytest.FixtureRequest], Log]] = {
    "memory": make_memory_log,
    "redis": make_redis_log,
}


@pytest.fixture(params=IMPLEMENTATIONS)
def make_log(request: pytest.FixtureRequest) -> Callable[[], Log]:
    """Makes an empty log."""
    return lambda: IMPLEMENTATIONS[request.param](request)


@pytest.fixture
async def log(make_log: Callable[[], Log]) -> AsyncIterator[Log]:
    log = make_log()
    yield log
    await log.close()
