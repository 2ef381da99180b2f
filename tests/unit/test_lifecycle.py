"""``pushjobs.lifecycle``: one writer of status, by compare-and-set."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from pushjobs import lifecycle
from pushjobs.exceptions import Conflict
from pushjobs.models import Job
from pushjobs.results import StoredResponse
from tests.unit.conftest import Configure
from tests.unit.jobs import ERROR, fresh, make
from tests.unit.recorder import Recorder

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls at the same time, each with a connection of its own; what each returned."""
    results: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = calls[place]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_workers_that_claim_at_once_one_gets_the_job(recorder: Recorder) -> None:
    for _ in range(5):
        job = make()
        copies = [fresh(job) for _ in range(4)]
        claims = [lambda copy=copy: lifecycle.start(copy, "w") for copy in copies]
        assert sorted(in_threads(*claims)) == [False, False, False, True]
        assert (fresh(job).attempt, fresh(job).version) == (1, 2)
        assert recorder.types(job.id) == ["started"]


def test_of_an_end_and_a_cancel_at_once_one_counts_and_one_is_told(recorder: Recorder) -> None:
    for _ in range(5):
        job = make()
        copies = [fresh(job), fresh(job)]
        won = in_threads(
            lambda: lifecycle.start(copies[0], "w"),  # noqa: B023
            lambda: lifecycle.cancelled(copies[1]),  # noqa: B023
        )
        assert sorted(won) == [False, True]
        expected = {"running": ["started"], "cancelled": ["cancelled"]}[fresh(job).status]
        assert recorder.types(job.id) == expected


def test_a_superseded_attempt_neither_ends_nor_fails_the_job(recorder: Recorder) -> None:
    job = make("running")
    stale = fresh(job)
    assert lifecycle.abandon(job, lifecycle.lost_worker())
    assert lifecycle.start(job, "other")
    before = fresh(job)
    for change in (
        lambda: lifecycle.succeed(stale, StoredResponse(result=1)),
        lambda: lifecycle.fail(stale, ERROR),
        lambda: lifecycle.fail(stale, ERROR, retry=False),
        lambda: lifecycle.release(stale, ERROR),
        lambda: lifecycle.cancelled(stale),
    ):
        assert not change()
    now = fresh(job)
    assert (now.status, now.attempt, now.version) == ("running", 2, before.version)
    assert recorder.types(job.id) == ["retrying", "started"]


def test_a_job_succeeds_with_its_response(recorder: Recorder) -> None:
    job = make("running")
    assert lifecycle.succeed(job, StoredResponse({"a": 1}, 201, response_body=b"x"), {"done": 1})
    job = fresh(job)
    assert (job.status, job.result, job.response_status) == ("succeeded", {"a": 1}, 201)
    assert (job.progress, job.lease_until, job.error) == ({"done": 1}, None, None)
    assert job.finished_at is not None
    assert job.expires_at is not None
    assert job.expires_at > job.finished_at
    (event,) = recorder.statuses
    assert event.data == {
        "result": {"a": 1},
        "status_code": 201,
        "content_type": "application/json",
    }
    assert (event.version, event.attempt) == (3, 1)


def test_a_failing_job_is_tried_until_its_attempts_are_used_up(
    recorder: Recorder, configure: Configure
) -> None:
    configure(RETRY_BACKOFF=10)
    job = make(max_attempts=3)
    for attempt in (1, 2, 3):
        assert lifecycle.start(job, "w")
        assert job.attempt == attempt
        assert lifecycle.fail(job, ERROR, "traceback")
        if attempt < 3:
            assert (fresh(job).status, fresh(job).error) == ("scheduled", ERROR)
            assert lifecycle.enqueue(job)
    assert (fresh(job).status, fresh(job).error) == ("failed", ERROR)
    told = [kind for kind in recorder.types(job.id) if kind != "queued"]
    assert told[::2] == ["started"] * 3
    assert told[-1] == "failed"
    assert recorder.types(job.id).count("retrying") >= 2
    versions = [event.version for event in recorder.statuses]
    assert versions == sorted(set(versions))


def test_each_retry_waits_longer_up_to_a_bound(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(RETRY_BACKOFF=2, RETRY_BACKOFF_MAX=10)
    monkeypatch.setattr("pushjobs.lifecycle.random.uniform", lambda low, high: (low, high))
    assert [lifecycle._backoff(n) for n in (1, 2, 3, 4, 5000 // 10)] == [
        (0, 2),
        (0, 4),
        (0, 8),
        (0, 10),
        (0, 10),
    ]


def test_an_attempt_that_a_stopping_worker_gives_back_does_not_count(recorder: Recorder) -> None:
    job = make(max_attempts=1)
    for _ in range(3):
        assert lifecycle.start(job, "w")
        assert lifecycle.release(job, lifecycle.stopped_worker())
        assert fresh(job).status == "queued"
    assert lifecycle.start(job, "w")
    assert lifecycle.fail(job, ERROR)
    assert fresh(job).status == "failed"


def test_a_lost_worker_costs_an_attempt_and_the_last_one_the_job(recorder: Recorder) -> None:
    job = make(max_attempts=2)
    assert lifecycle.start(job, "w")
    assert lifecycle.abandon(job, lifecycle.lost_worker())
    assert (fresh(job).status, fresh(job).lease_until) == ("queued", None)
    assert lifecycle.start(job, "w")
    assert lifecycle.abandon(job, lifecycle.lost_worker())
    assert fresh(job).status == "failed"
    assert fresh(job).error["type"].endswith("worker-lost")


@pytest.mark.parametrize("status", ["queued", "scheduled"])
def test_a_job_that_waits_is_cancelled_at_once(recorder: Recorder, status: str) -> None:
    job = make(status)
    assert lifecycle.cancel(job)
    assert (fresh(job).status, fresh(job).run_at) == ("cancelled", None)
    assert recorder.types(job.id) == ["cancelled"]


def test_a_job_that_runs_is_asked_to_stop(recorder: Recorder) -> None:
    job = make("running")
    assert not lifecycle.cancel(job)
    assert fresh(job).status == "running"
    assert fresh(job).cancel_requested_at is not None
    assert lifecycle.standing("w", [job.id]) == {(job.id, 1): True}
    assert lifecycle.cancelled(job)
    assert fresh(job).status == "cancelled"


def test_a_cancel_of_what_is_over_is_a_conflict_unless_it_was_cancelled(
    recorder: Recorder,
) -> None:
    for status in ("succeeded", "failed"):
        with pytest.raises(Conflict, match=status):
            lifecycle.cancel(make(status))
    assert lifecycle.cancel(make("cancelled"))
    assert recorder.statuses == []


def test_a_cancel_with_an_old_view_of_the_job_meets_it_where_it_is_now(
    recorder: Recorder,
) -> None:
    job = make()
    stale = fresh(job)
    assert lifecycle.start(job, "w")
    assert not lifecycle.cancel(stale)
    assert fresh(job).cancel_requested_at is not None


@pytest.mark.parametrize("change", [lifecycle.fail, lifecycle.release, lifecycle.abandon])
def test_a_job_that_was_asked_to_stop_is_not_run_again(
    recorder: Recorder, change: Callable[..., bool]
) -> None:
    """The worker has its copy from before the cancel, of which no one has told it yet."""
    job = make("running")
    lifecycle.cancel(fresh(job))
    assert change(job, ERROR)
    assert fresh(job).over


def test_nothing_is_told_of_a_change_that_is_rolled_back(recorder: Recorder) -> None:
    job = make()
    with transaction.atomic():
        lifecycle.start(fresh(job), "w")
        assert recorder.statuses == []
        transaction.set_rollback(True)
    assert (fresh(job).status, recorder.statuses) == ("queued", [])


def test_leases_and_progress_of_many_jobs_are_renewed_in_one_statement(
    recorder: Recorder, django_assert_num_queries: Any
) -> None:
    old = timezone.now() + timedelta(seconds=1)
    jobs = [make("running", lease_until=old) for _ in range(3)]
    other = make("running", worker="other", lease_until=old)
    latest: dict[Any, Any] = {jobs[0].id: {"done": 1}, jobs[1].id: None, jobs[2].id: {"done": 3}}
    with django_assert_num_queries(1):
        lifecycle.renew("w", latest | {other.id: {"done": 9}})
    assert [fresh(job).progress for job in jobs] == [{"done": 1}, None, {"done": 3}]
    assert all(fresh(job).lease_until > old for job in jobs)  # type: ignore[operator]
    assert (fresh(other).lease_until, fresh(other).progress) == (old, None)


def test_every_change_of_a_job_leaves_a_version_that_tells_it_anew(recorder: Recorder) -> None:
    job = Job(name="test.echo", queue="default", max_attempts=1, time_limit=1, retention=1)
    lifecycle.admit(job)
    lifecycle.start(job, "w")
    lifecycle.succeed(job, StoredResponse())
    assert [(event.type, event.version) for event in recorder.statuses] == [
        ("job.queued", 1),
        ("job.started", 2),
        ("job.succeeded", 3),
    ]
