"""Public clients of Server-Sent Events, which know nothing of this protocol, follow a job.

``httpx-sse`` does throughout ``tests/contract/``, the browser's own ``EventSource`` in
``tests/browser/test_event_source.py``, and curl in ``test_client_recipes.py``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.proxy import Network, Proxy
from tests.contract.clients import Client, Document, channel_of
from tests.contract.followers import Credentials, Polling, Told
from tests.processes import ROOT, Server

FRONTEND = ROOT / "frontend"
SCRIPT = FRONTEND / "test" / "public-clients.mjs"

every_client = pytest.mark.parametrize("client", ["eventsource", "fetch-event-source"])


@pytest.fixture(scope="module")
def node() -> str:
    """Node, where the packages for it are installed."""
    found = shutil.which("node")
    if found is None or not (FRONTEND / "node_modules" / "eventsource").exists():
        pytest.skip("Node or its packages are missing; Debian's is `nodejs`, then `npm ci`")
    return found


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    network = Network()
    with closing(network), closing(Proxy(network, ("127.0.0.1", server.port))) as proxy:
        yield proxy


class Hearing:
    """What a client prints, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.events: list[tuple[str, str]] = []
        self.stopped: int | None = None

    def until(self, kind: str) -> None:
        """Hear on, up to an event of this type, or to the client's own end."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said: dict[str, Any] = json.loads(line)
            if "stopped" in said:
                self.stopped = said["stopped"]
                return
            self.events.append((said["id"], said["type"]))
            if said["type"] == kind:
                return
        raise AssertionError(f"it ended without a word after {self.events}")


@contextmanager
def following(node: str, client: str, url: str) -> Iterator[Hearing]:
    command = [node, str(SCRIPT), client, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Hearing(process)
            assert process.wait(20) == 0
        finally:
            process.kill()


def url_of(job: Document, port: int, cursor: str) -> str:
    events = job["links"]["events"]
    return f"http://127.0.0.1:{port}{events}?cursor={cursor}&token={job['token']}"


def logged(server: Server, job: Document) -> list[Told]:
    """All that the log has of a job that is over."""
    return Polling(server, [channel_of(job)], Credentials(job["token"]), "earliest").rest()


@every_client
def test_it_comes_back_after_a_cut_and_stops_after_the_end(
    node: str, client: str, server: Server, proxy: Proxy, gate: Path
) -> None:
    with Client(server) as anyone:
        job = anyone.submit("test.talk", words=10, until=str(gate))
        url = url_of(job, proxy.port, job["cursor"])
        with following(node, client, url) as hearing:
            hearing.until("job.output")
            assert proxy.cut() == 1
            gate.touch()
            hearing.until("job.succeeded")
            hearing.until("its end")
    assert hearing.stopped == 204
    assert hearing.events == [(told.cursor, told.type) for told in logged(server, job)]


@every_client
def test_it_does_not_come_back_where_all_is_told(
    node: str, client: str, server: Server, gate: Path
) -> None:
    with Client(server) as anyone:
        job = anyone.submit("test.echo")
        anyone.finished(job)
    cursor = logged(server, job)[-1].cursor
    assert cursor is not None
    with following(node, client, url_of(job, server.port, cursor)) as hearing:
        hearing.until("its end")
    assert (hearing.stopped, hearing.events) == (204, [])
