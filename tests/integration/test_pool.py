"""A pool of connections after an outage: what is broken is dropped at once, not as it is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.db.utils import ConnectionHandler
from psycopg_pool import ConnectionPool

from pushjobs import outage
from tests.integration.stack import postgres
from tests.waiting import until

SIZE = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("postgres")
    with postgres(folder) as url:
        yield url


@pytest.fixture
def pooled(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectionPool[Any]]:
    """A pool whose connections are all open, as Django's only database has it."""
    info = psycopg.conninfo.conninfo_to_dict(server)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": info["dbname"],
        "USER": info["user"],
        "HOST": info["host"],
        "PORT": info["port"],
        "OPTIONS": {"pool": {"min_size": SIZE, "max_size": SIZE}},
    }
    handler = ConnectionHandler({"default": database})
    monkeypatch.setattr(outage, "connections", handler)
    pool = handler["default"].pool
    pool.open(wait=True)
    yield pool
    handler["default"].close_pool()


def test_an_outage_costs_the_pool_its_broken_connections_at_once(
    server: str, pooled: ConnectionPool[Any]
) -> None:
    broken = {connection.info.backend_pid for connection in pooled._pool}
    assert len(broken) == SIZE
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", [list(broken)])
    outage.check_pools()
    until(lambda: pooled.get_stats()["pool_available"] == SIZE)
    assert not broken & {connection.info.backend_pid for connection in pooled._pool}


def test_where_there_is_no_pool_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "_check", pytest.fail)
    assert not any(getattr(each, "pool", None) for each in connections.all())
    outage.check_pools()
