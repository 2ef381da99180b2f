"""The implementations that must keep the log's contract. To add one, add a line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from pushjobs.log import Log
from pushjobs.log.memory import MemoryLog

IMPLEMENTATIONS: dict[str, Callable[[], Log]] = {
    "memory": MemoryLog,
}


@pytest.fixture(params=IMPLEMENTATIONS)
def make_log(request: pytest.FixtureRequest) -> Callable[[], Log]:
    """Makes an empty log."""
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
async def log(make_log: Callable[[], Log]) -> AsyncIterator[Log]:
    log = make_log()
    yield log
    await log.close()
