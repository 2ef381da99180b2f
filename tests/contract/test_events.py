"""What a client of any transport is told of a job, from its submission to its end."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tests.contract.clients import Client, channel_of
from tests.contract.followers import TRANSPORTS, Follower, Told
from tests.processes import Server


def types_of(told: Sequence[Told]) -> list[str]:
    """The types in order, repeats of one type taken together."""
    return [kind for kind, _ in groupby(item.type for item in told)]


def text_of(told: Sequence[Told], attempt: int = 1) -> str:
    """What the job has emitted."""
    return "".join(
        item.data["chunk"]
        for item in told
        if item.type == "job.output" and item.event["attempt"] == attempt
    )


def test_every_event_comes_in_order_and_once(
    follower: Follower, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.talk", words=20, pause=0.005, until=str(gate))
    with follower.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        told = following.until("job.output")
        gate.touch()
        told += following.rest()
    assert following.recovered is True
    assert [item.type for item in told[:2]] == ["job.queued", "job.started"]
    assert told[-1].type == "job.succeeded"
    assert told[-1].data == {
        "result": {"words": 20},
        "status_code": 200,
        "content_type": "application/json",
    }
    assert text_of(told) == "".join(f"word-{number} " for number in range(20))
    progress = [item.data for item in told if item.type == "job.progress"]
    assert progress == sorted(progress, key=lambda data: data["done"])
    assert progress[-1] == {"done": 20, "total": 20, "percent": 100.0, "message": "said 20"}
    assert len({item.cursor for item in told}) == len(told)
    for item in told:
        assert item.event.keys() == {"channel", "job", "name", "type", "attempt", "time", "data"}
        assert item.event["channel"] == channel_of(job)
        assert (item.event["job"], item.event["name"]) == (job["id"], "test.talk")


def test_three_transports_tell_the_same_at_the_same_time(
    any_server: Server, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.talk", words=30, pause=0.003, until=str(gate))
    all_follow = Barrier(len(TRANSPORTS) + 1, timeout=20)

    def follow(transport: str) -> list[tuple[str | None, dict[str, Any]]]:
        follower = Follower(any_server, transport)
        with follower.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
            told = following.until("job.output")
            all_follow.wait()
            told += following.rest()
        return [(item.cursor, item.event) for item in told]

    with ThreadPoolExecutor(len(TRANSPORTS)) as pool:
        running = [pool.submit(follow, transport) for transport in TRANSPORTS]
        all_follow.wait()
        gate.touch()
        told = [future.result(timeout=30) for future in running]
    assert told[0] == told[1] == told[2]


def test_without_a_cursor_a_snapshot_comes_first(
    follower: Follower, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    document = anyone.started(job)
    with follower.follow(channel_of(job), by=job["token"]) as following:
        snapshot = next(following)
        assert following.recovered is None
        gate.touch()
        told = following.rest()
    assert snapshot.type == "job.snapshot"
    same = {"id", "name", "status", "attempt", "max_attempts", "tags", "created_at", "started_at"}
    assert {name: snapshot.data[name] for name in same} == {name: document[name] for name in same}
    assert snapshot.data["status"] == "running"
    assert "recovered" not in snapshot.data
    assert "token" not in snapshot.data
    assert "job.started" not in types_of(told)
    assert told[-1].type == "job.succeeded"


def test_a_job_that_is_over_is_told_with_one_snapshot(follower: Follower, anyone: Client) -> None:
    job = anyone.submit("test.echo", value=[1, 2])
    anyone.finished(job)
    with follower.follow(channel_of(job), by=job["token"]) as following:
        told = following.rest()
    assert types_of(told) == ["job.snapshot"]
    assert told[0].data["status"] == "succeeded"
    assert told[0].data["result"] == [1, 2]


def test_a_refusal_is_told_with_its_reason(follower: Follower, anyone: Client) -> None:
    job = anyone.submit("test.refuse", message="sold out", status_code=409)
    with follower.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        told = following.rest()
    assert types_of(told) == ["job.queued", "job.started", "job.failed"]
    error = told[-1].data["error"]
    assert (error["detail"], error["status"], error["seats"]) == ("sold out", 409, 0)


def test_a_failure_is_told_after_its_retries_and_without_its_secrets(
    follower: Follower, anyone: Client
) -> None:
    job = anyone.submit("test.fail")
    with follower.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        told = following.rest()
    again = attempt = ["job.queued", "job.started", "job.output"]
    assert types_of(told) == [*attempt, "job.retrying", *again, "job.failed"]
    assert (text_of(told, 1), text_of(told, 2)) == ("attempt 1\n", "attempt 2\n")
    assert told[-1].data["error"]["status"] == 500
    assert "secret-path" not in str(told)
    assert "Traceback" not in str(told)


def test_a_retried_job_tells_when_it_is_tried_again(follower: Follower, anyone: Client) -> None:
    job = anyone.submit("test.flaky", good_on=3)
    with follower.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        told = following.rest()
    first = next(item for item in told if item.type == "job.retrying")
    assert first.data.keys() == {"error", "retry_at"}
    assert first.data["retry_at"].endswith("Z")
    assert first.data["error"]["detail"] == "the handler raised ConnectionError"
    started = [item.event["attempt"] for item in told if item.type == "job.started"]
    assert started == [1, 2, 3]
    assert told[-1].type == "job.succeeded"
    assert told[-1].data["result"] == 3


@pytest.mark.parametrize("running", [True, False], ids=["running", "scheduled"])
def test_a_cancelled_job_tells_its_end(
    follower: Follower, anyone: Client, gate: Path, running: bool
) -> None:
    run_at = None if running else "2099-01-01T00:00:00Z"
    job = anyone.post("test.hold", args={"until": str(gate)}, run_at=run_at).json()
    with follower.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        told = following.until("job.started" if running else "job.queued")
        assert anyone.cancel(job).status_code == (202 if running else 200)
        told += following.rest()
    assert told[0].type == "job.queued"
    assert told[-1].type == "job.cancelled"
    assert [item.type for item in told].count("job.cancelled") == 1


def test_a_result_over_the_inline_limit_is_not_in_the_event(
    follower: Follower, anyone: Client
) -> None:
    job = anyone.submit("test.result", kind="big")
    with follower.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        end = following.rest()[-1]
    assert end.type == "job.succeeded"
    assert end.data["result"] is None
    assert end.data["status_code"] == 200
