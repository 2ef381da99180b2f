"""``kill -9`` of the server in mid-job, and a restart: every accepted job ends, and is told so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.clients import (
    TRANSPORTS,
    follower,
    get,
    read,
    submit,
    wait_for_status,
    wait_until,
)
from tests.processes import Server, serve

pytestmark = pytest.mark.xdist_group("restart")

THREADS = 8


@dataclass
class Crash:
    """A server that was killed with jobs in every state, and started again."""

    server: Server
    #: Ran, with attempts left, until the file under ``gates``; by the transport that follows it.
    resumable: dict[str, dict[str, Any]]
    gates: dict[str, Path]
    #: Ran its last attempt.
    spent: dict[str, dict[str, Any]]
    queued: list[dict[str, Any]]
    scheduled: list[dict[str, Any]]

    @property
    def all(self) -> list[dict[str, Any]]:
        running = [*self.resumable.values(), *self.spent.values()]
        return [*running, *self.queued, *self.scheduled]


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crash]:
    folder = tmp_path_factory.mktemp("crash")
    gates = {name: folder / name for name in TRANSPORTS}
    with serve(folder) as server:
        resumable = {
            name: submit(server, "test.hold", until=str(gate)) for name, gate in gates.items()
        }
        spent = {
            name: submit(server, "test.stubborn", until=str(folder / "never"))
            for name in TRANSPORTS
        }
        others = [submit(server, "test.hold", until=str(gates["SSE"])) for _ in range(THREADS - 6)]
        for job in [*resumable.values(), *spent.values(), *others]:
            wait_for_status(server, job, "running")
        for job in resumable.values():
            wait_until(partial(_has_spoken, server, job), "the first attempt's output")
        queued = [submit(server, "test.echo", value=number) for number in range(40)]
        soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
        scheduled = [submit(server, "test.echo", run_at=soon) for _ in range(4)]
        server.kill()
        server.start()
        yield Crash(server, resumable, gates, spent, [*queued, *others], scheduled)


def _has_spoken(server: Server, job: dict[str, Any]) -> bool:
    """Whether the attempt has said something; the job's cursor is behind it then."""
    page = get(server, job["links"]["events"], job, cursor="earliest").json()
    job["cursor"] = page["cursor"]
    return any(item["event"]["type"] == "job.output" for item in page["events"])


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_with_an_old_cursor_learns_that_its_job_runs_again(
    crash: Crash, transport: str
) -> None:
    job = crash.resumable[transport]
    seen = []
    async with follower(crash.server) as client:
        async for event in client.follow(transport, job, job["cursor"]):
            seen.append(event)
            crash.gates[transport].touch()
        logged = await client.logged(job)
    assert seen[0].type == "job.snapshot"
    assert seen[0].data["recovered"] is False
    assert seen[-1].type == "job.succeeded"
    assert read(crash.server, job)["attempt"] == 2
    # Nothing of the killed attempt is among what the log has of the new one.
    output = [event.data["chunk"] for event in logged if event.type == "job.output"]
    assert output == ["holding\n"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_with_an_old_cursor_learns_that_its_job_was_lost(
    crash: Crash, transport: str
) -> None:
    job = crash.spent[transport]
    async with follower(crash.server) as client:
        seen = [event async for event in client.follow(transport, job, job["cursor"])]
    assert seen[0].type == "job.snapshot"
    assert seen[0].data["recovered"] is False
    assert seen[0].data["status"] == "failed"
    assert seen[0].data["error"]["type"] == "urn:pushjobs:problem:worker-lost"
    assert read(crash.server, job)["attempt"] == 1


def test_every_accepted_job_ends(crash: Crash) -> None:
    for gate in crash.gates.values():
        gate.touch()
    for job in crash.all:
        wait_for_status(crash.server, job, "succeeded", "failed")
    lost = [job["id"] for job in crash.all if read(crash.server, job)["status"] == "failed"]
    assert sorted(lost) == sorted(job["id"] for job in crash.spent.values())
    for job in crash.scheduled:
        assert read(crash.server, job)["attempt"] == 1
