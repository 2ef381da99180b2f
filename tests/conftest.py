"""Fixtures that more than one kind of test uses."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from asgiref.sync import SyncToAsync
from django.db import connections

from tests.processes import Server, serve
from tests.rabbitmq_server import RabbitmqServer, running_rabbitmq


def pytest_configure(config: pytest.Config) -> None:
    """Let SIGTERM end a run as Ctrl-C does: with all servers that were started for it."""
    distributes = bool(config.getoption("numprocesses", None))

    def interrupt(*_: object) -> None:
        if distributes:  # Its children are the processes that run the tests.
            for process in psutil.Process().children():
                process.send_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, interrupt)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test database; PostgreSQL drops none that a thread is connected to.

    The thread is the one in which async tests query, and which outlives them.
    """
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture(scope="session", params=["daphne", "uvicorn"])
def any_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A really running server of each kind, shared by the tests that leave it as it was."""
    folder = tmp_path_factory.mktemp(request.param)
    with serve(folder, kind=request.param) as server:
        yield server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A really running ``manage.py serve``."""
    with serve(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture(scope="session")
def _rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitmqServer]:
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="module")
def rabbitmq(_rabbitmq: RabbitmqServer) -> RabbitmqServer:
    """A really running RabbitMQ, and nothing in it; who kills it starts it again."""
    _rabbitmq.empty()
    return _rabbitmq


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file that does not exist: a job that waits for it goes on when the test touches it."""
    return tmp_path / "gate"
