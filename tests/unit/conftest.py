"""Each test starts with process-wide objects of its own."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Protocol

import dramatiq
import pytest

from pushjobs import hub, loop
from pushjobs.announcements import get_announcements
from pushjobs.broker import ACTOR
from pushjobs.log import get_log
from pushjobs.publisher import get_publisher
from pushjobs.reader import get_reader
from pushjobs.running import running
from pushjobs.transports.connections import connections
from tests.redis_server import redis_url
from tests.unit.loops import end
from tests.unit.recorder import Recorder
from tests.unit.streams import World


@pytest.fixture(autouse=True)
def _own_singletons() -> Iterator[None]:
    """No test sees the log, the publisher, the hub or the event loop of another."""
    yield
    for cached in (get_log, get_publisher, get_announcements, get_reader, hub._hub_of):
        cached.cache_clear()
    for thread in threading.enumerate():
        if thread.name == "pushjobs-loop" and loop._loop is not None:
            end(loop._loop, thread)
    loop._loop = None
    loop._listeners.clear()
    connections.draining = running.stopping = False  # as of a process that is to go on


class Configure(Protocol):
    """Sets keys of ``PUSHJOBS`` for one test."""

    def __call__(self, **keys: Any) -> None: ...


@pytest.fixture
def configure(settings: Any) -> Configure:
    def change(**keys: Any) -> None:
        settings.PUSHJOBS = {**settings.PUSHJOBS, **keys}

    return change


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """Where the files of one test are."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Stands in for the publisher, and keeps what it is told to publish."""
    found = Recorder()
    for module in ("lifecycle", "relay", "execution"):
        monkeypatch.setattr(f"pushjobs.{module}.get_publisher", lambda: found)
    return found


class Postbox:
    """What the broker was given; out of reach when ``down``, or once it has ``fails_after``."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, int]] = []
        self.down = False
        self.fails_after: int | None = None

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        if self.down or len(self.messages) == self.fails_after:
            raise dramatiq.errors.ConnectionClosed("the broker is down")
        assert message.actor_name == ACTOR
        job_id, attempt = message.args
        self.messages.append((job_id, attempt))
        return message


@pytest.fixture
def postbox(monkeypatch: pytest.MonkeyPatch) -> Postbox:
    """Stands in for the broker's queues."""
    found = Postbox()
    monkeypatch.setattr(dramatiq.get_broker(), "enqueue", found.enqueue)
    monkeypatch.setattr("pushjobs.broker.in_memory", lambda: False)
    return found


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_url(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
async def world(configure: Configure) -> AsyncIterator[World]:
    configure(SWEEP_INTERVAL=3600)
    world = World()
    with world.reader.in_use():
        yield world
        await world.close()
