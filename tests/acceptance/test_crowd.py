"""Crowds: a thousand clients of one job, a thousand jobs, in one embedded process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.acceptance.clients import RawStream, follower, submit, subscribe
from tests.processes import Server, serve

pytestmark = pytest.mark.xdist_group("crowd")

STREAMS, JOBS, SOCKETS = 1000, 1000, 300
#: The most connections that are opened at once.
AT_ONCE = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("crowd")) as running:
        yield running


@asynccontextmanager
async def streams(server: Server, jobs: list[dict[str, Any]]) -> AsyncGenerator[list[RawStream]]:
    """A stream for each job, from its beginning, all of them answered."""
    async with AsyncExitStack() as stack:
        opened = []
        for start in range(0, len(jobs), AT_ONCE):
            some = [
                await stack.enter_async_context(RawStream.open(server, job, cursor=job["cursor"]))
                for job in jobs[start : start + AT_ONCE]
            ]
            assert set(await asyncio.gather(*(one.head() for one in some))) == {200}
            opened += some
        yield opened


async def logged(server: Server, job: dict[str, Any]) -> list[str | None]:
    """The cursors of all events of a job."""
    async with follower(server) as client:
        return [event.cursor for event in await client.logged(job)]


async def test_a_thousand_streams_of_one_job_see_every_event_once(
    server: Server, gate: Path
) -> None:
    job = submit(server, "test.talk", words=20, pause=0.05, until=str(gate))
    async with streams(server, [job] * STREAMS) as crowd:
        gate.touch()
        await asyncio.gather(*(one.read() for one in crowd))
    expected = await logged(server, job)
    assert len(expected) > 3
    for one in crowd:
        assert [cursor for cursor, _, _ in one.events] == expected
        assert one.events[-1][1] == "job.succeeded"
        assert one.complete


async def test_three_hundred_sockets_of_one_job_see_every_event_once(
    server: Server, gate: Path
) -> None:
    job = submit(server, "test.talk", words=20, pause=0.05, until=str(gate))

    async def follow(socket: Any) -> list[str]:
        seen = []
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "event":
                seen.append(frame["cursor"])
            elif frame["type"] == "unsubscribed":
                break
        return seen

    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connect(server.socket_url, compression=None))
            for _ in range(SOCKETS)
        ]
        for socket in sockets:
            await subscribe(socket, job, cursor=job["cursor"])
        gate.touch()
        seen = await asyncio.gather(*map(follow, sockets))
    expected = await logged(server, job)
    assert all(cursors == expected for cursors in seen)


async def test_a_thousand_jobs_each_reach_their_own_client(server: Server) -> None:
    few = httpx.Limits(max_connections=8, max_keepalive_connections=8)
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=few) as client:

        async def accepted(number: int) -> dict[str, Any]:
            body = {"name": "test.echo", "args": {"value": number}}
            job: dict[str, Any] = (await client.post("/jobs", json=body)).json()
            return job

        jobs = await asyncio.gather(*map(accepted, range(JOBS)))
    async with streams(server, jobs) as crowd:
        await asyncio.gather(*(one.read() for one in crowd))
    for number, one in enumerate(crowd):
        types = [kind for _, kind, _ in one.events]
        assert types == ["job.queued", "job.started", "job.succeeded"]
        assert json.loads(one.events[-1][2])["data"]["result"] == number
        assert one.complete
