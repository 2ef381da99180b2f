"""Many processes on Redis and PostgreSQL: what works in one works across them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.contract.clients import Client, channel_of
from tests.contract.followers import TRANSPORTS, Follower
from tests.integration.stack import Stack, running_stack
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def here(stack: Stack) -> Iterator[Client]:
    """A client of the first web process."""
    with Client(stack.servers[0]) as client:
        yield client


@pytest.fixture(params=TRANSPORTS)
def there(stack: Stack, request: pytest.FixtureRequest) -> Follower:
    """A transport of the second web process."""
    return Follower(stack.servers[1], request.param)


def test_what_one_process_accepts_another_runs_and_a_third_tells(
    here: Client, there: Follower
) -> None:
    job = here.submit("test.talk", words=6)
    with there.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        told = following.rest()
    chunks = [item.data["chunk"] for item in told if item.type == "job.output"]
    assert "".join(chunks) == "".join(f"word-{number} " for number in range(6))
    assert [told[0].type, told[-1].type] == ["job.queued", "job.succeeded"]
    assert here.finished(job)["result"] == {"words": 6}


def test_a_view_that_one_process_puts_off_another_runs_and_a_third_answers(
    stack: Stack, here: Client
) -> None:
    asked = "/demo/report.json?below=1000&steps=2&pause=0"
    accepted = here.get(asked, Prefer="respond-async")
    assert accepted.status_code == 202
    with Client(stack.servers[1]) as third:
        url, token = accepted.headers["location"], accepted.json()["token"]
        response = third.get(url, token, Prefer="wait=20")
        direct = third.get(asked)
    assert (response.status_code, response.json()) == (200, direct.json())


def test_a_cursor_of_one_process_goes_on_at_another(
    stack: Stack, here: Client, there: Follower
) -> None:
    job = here.submit("test.talk", words=6)
    near = Follower(stack.servers[0], "sse")
    with near.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        told = following.rest()
    with there.follow(channel_of(job), by=job["token"], cursor=told[2].cursor) as following:
        assert following.rest() == told[3:]
        assert following.recovered is True


def test_a_cancel_asked_of_any_process_reaches_the_handler(
    stack: Stack, here: Client, tmp_path: Path
) -> None:
    job = here.submit("test.hold", until=str(tmp_path / "never"))
    here.started(job)
    with Client(stack.servers[1]) as elsewhere:
        assert elsewhere.cancel(job).status_code == 202
    assert here.finished(job)["status"] == "cancelled"


def test_the_job_of_a_killed_worker_runs_again_elsewhere(
    stack: Stack, here: Client, tmp_path: Path
) -> None:
    there = Follower(stack.servers[1], "sse")
    gate, started = tmp_path / "gate", tmp_path / "started"
    jobs = [here.submit("test.hold", until=str(gate), started=str(started)) for _ in range(6)]
    until(lambda: started.exists() and len(started.read_text().split()) == 6)
    os.killpg(stack.workers[0].pid, signal.SIGKILL)
    stack.workers.pop(0).wait()
    stack.start_worker()
    until(lambda: any(here.until(job, bool)["attempt"] == 2 for job in jobs))
    gate.touch()
    for job in jobs:
        with there.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
            told = following.rest()
        assert told[-1].type == "job.succeeded"
        assert len({item.cursor for item in told}) == len(told)


def test_a_wiped_redis_loses_no_job_and_each_client_learns_its_end(
    stack: Stack, here: Client, there: Follower, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    jobs = [here.submit("test.hold", until=str(gate)) for _ in range(12)]  # More than threads.
    here.started(jobs[0])
    with there.follow(channel_of(jobs[0]), by=jobs[0]["token"], cursor=jobs[0]["cursor"]) as one:
        one.until("job.started")
        with redis.Redis.from_url(stack.redis.url) as client:
            client.flushall()
        gate.touch()
        told = list(one)
    last = told[-1]
    assert last.type == "job.succeeded" or last.data["status"] == "succeeded"
    for job in jobs:
        assert here.finished(job)["status"] == "succeeded"
