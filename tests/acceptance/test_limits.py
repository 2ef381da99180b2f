"""Handlers that do not stop: their jobs end for their clients all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.clients import (
    RawStream,
    cancel,
    get,
    memory,
    read,
    submit,
    text_of,
    wait_for_status,
)
from tests.processes import Server, serve

pytestmark = pytest.mark.xdist_group("limits")


@pytest.mark.parametrize("name", ["test.stubborn", "test.deaf"])
async def test_a_handler_that_never_checks_is_cancelled_for_its_client(
    server: Server, gate: Path, name: str
) -> None:
    job = submit(server, name, until=str(gate))
    wait_for_status(server, job, "running")
    try:
        async with RawStream.open(server, job, cursor=job["cursor"]) as stream:
            assert await stream.head() == 200
            assert cancel(server, job).status_code == 202
            await stream.read()
        assert stream.events[-1][1] == "job.cancelled"
        assert get(server, job["links"]["response"], job).status_code == 410
    finally:
        gate.touch()
    # The thread that was stuck serves others again, and what it returned is forgotten.
    echo = submit(server, "test.echo", value=1)
    assert wait_for_status(server, echo, "succeeded")["result"] == 1
    assert wait_for_status(server, job, "cancelled", "succeeded")["status"] == "cancelled"


def test_a_job_over_its_time_fails_and_is_not_tried_again(server: Server) -> None:
    job = submit(server, "test.slow")
    found = wait_for_status(server, job, "failed", "succeeded")
    assert found["error"]["type"] == "urn:pushjobs:problem:time-limit"
    assert found["attempt"] == 1


async def test_a_gigabyte_of_output_is_cut_and_said_so(tmp_path: Path) -> None:
    limit = 100_000
    with serve(tmp_path, settings={"MAX_OUTPUT": limit}) as server:
        warm = submit(server, "test.echo")
        wait_for_status(server, warm, "succeeded")
        before = memory(server)
        job = submit(server, "test.flood", chunks=5000, size=200_000)
        found = wait_for_status(server, job, "succeeded", "failed")
        assert found["status"] == "succeeded"
        async with RawStream.open(server, job, cursor="earliest") as stream:
            assert await stream.head() == 200
            await stream.read()
        text = text_of(stream.events)
        assert text[:limit] == f"{0:>10}".ljust(limit, ".")
        assert text[limit:] == "\n… output over the limit is left out\n"
        assert stream.events[-1][1] == "job.succeeded"
        assert memory(server) - before < 30_000_000


def test_output_that_waits_to_be_told_takes_bounded_memory(tmp_path: Path) -> None:
    with serve(tmp_path, settings={"MAX_OUTPUT": 400_000_000}) as server:
        warm = submit(server, "test.echo")
        wait_for_status(server, warm, "succeeded")
        before = peak = memory(server)
        jobs = [submit(server, "test.flood", chunks=300, size=200_000) for _ in range(4)]
        for job in jobs:
            while read(server, job)["status"] != "succeeded":
                peak = max(peak, memory(server))
        # Four logs of LOG_MAX_BYTES each, what each job has in hand, and what waits to be told.
        assert peak - before < 60_000_000
