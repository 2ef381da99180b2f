"""Fixtures of the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.clients import Client, unique
from tests.contract.followers import TRANSPORTS, Follower
from tests.contract.sockets import Socket, connected
from tests.contract.ways import ways_of
from tests.processes import WAYS, Server, serve

LogIn = Callable[[str], Client]

#: Settings under which limits are near and heartbeats frequent.
SMALL = {
    "STREAM_HEARTBEAT": 0.1,
    "SOCKET_HEARTBEAT": 0.1,
    "MAX_CHANNELS": 3,
    "MAX_BODY": 2000,
    "MAX_UPLOAD": 4000,
    "MAX_FRAME": 1000,
    "MAX_FRAMES_PER_SECOND": 20,
    "MAX_WAIT": 0.2,
    "TOKEN_HEADER": "X-OUR-TOKEN",
    "SOCKET_COMPRESSION": True,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # The tests of one way share its servers: one process of pytest-xdist runs them all.
    ways = [pytest.param(way, marks=pytest.mark.xdist_group(way)) for way in ways_of(metafunc)]
    for name in ("any_server", "small_server"):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, ways, indirect=True, scope="session")


@pytest.fixture(scope="session")
def any_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A really running server, shared by the tests that leave it as it was."""
    with serve(tmp_path_factory.mktemp(request.param), **WAYS[request.param]) as server:
        yield server


@pytest.fixture(params=TRANSPORTS)
def follower(any_server: Server, request: pytest.FixtureRequest) -> Follower:
    """One of the three transports of a really running server."""
    return Follower(any_server, request.param)


@pytest.fixture
def anyone(any_server: Server) -> Iterator[Client]:
    """A client without a login."""
    with Client(any_server) as client:
        yield client


@pytest.fixture
def log_in(any_server: Server) -> Iterator[LogIn]:
    """Logs in as a new user, whose name begins as given."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(Client(any_server, unique(name)))


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A file that does not exist until the test touches it, or ends: no job waits for ever."""
    path = tmp_path / "gate"
    yield path
    path.touch()


@pytest.fixture(scope="session")
def small_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server whose limits are near, and whose heart beats fast."""
    folder = tmp_path_factory.mktemp(f"small-{request.param}")
    with serve(folder, settings=SMALL, **WAYS[request.param]) as server:
        yield server


@pytest.fixture
def socket(any_server: Server) -> Iterator[Socket]:
    with connected(any_server) as found:
        assert found.receive() == {"type": "welcome", "heartbeat": 25}
        yield found
