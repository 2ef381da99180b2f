"""``pushjobs.execution`` with ``pushjobs.heartbeat``: however a handler ends, its job ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import InternalError, OperationalError, connection

from pushjobs import execution, heartbeat, lifecycle
from pushjobs.context import Run
from pushjobs.heartbeat import Heartbeat
from pushjobs.models import Job
from pushjobs.running import Shutdown, running
from tests.unit.conftest import Configure
from tests.unit.jobs import ERROR, fresh, make
from tests.unit.recorder import Recorder
from tests.waiting import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


def started(name: str, /, *, max_attempts: int = 2, time_limit: float = 60, **args: Any) -> Job:
    job = make(name=name, args=args, max_attempts=max_attempts, time_limit=time_limit)
    claimed = lifecycle.claim(job.id, job.attempt, running.worker)
    assert claimed is not None
    return claimed


@pytest.fixture(autouse=True)
def nothing_is_read_of_a_job_beyond_its_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a claim leaves out would cost a query, and raise on an event loop."""
    monkeypatch.setattr(Job, "refresh_from_db", None)


def executed(name: str, /, **args: Any) -> Job:
    job = started(name, **args)
    execution.execute(job)
    assert running.attempts() == []
    return fresh(job)


@contextmanager
def executing(job: Job) -> Iterator[threading.Thread]:
    """A job that runs in a thread of its own; inside, it is among the running ones."""

    def run() -> None:
        try:
            execution.execute(job)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: any(item.job is job for item in running.attempts()) or not thread.is_alive())
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def test_a_handlers_result_is_the_jobs(recorder: Recorder) -> None:
    job = executed("test.class", name="Ada")
    assert (job.status, job.result) == ("succeeded", "Hello, Ada!")
    assert [event.data["chunk"] for event in recorder.said] == ["thinking\n"]


def test_an_exception_is_tried_again_and_its_text_kept_from_the_client(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    job = executed("test.fail")
    assert job.status == "scheduled"
    assert "ValueError" in job.error["detail"]
    assert "secret" not in str(job.error)
    assert "/etc/secret-path" in job.traceback
    assert str(job.id) in caplog.text


def test_the_text_of_an_exception_is_told_where_the_settings_allow_it(
    recorder: Recorder, configure: Configure
) -> None:
    configure(EXPOSE_ERRORS=True)
    assert "/etc/secret-path" in executed("test.fail", max_attempts=1).error["detail"]


def test_a_failure_that_the_handler_chose_is_final_and_told_whole(recorder: Recorder) -> None:
    job = executed("test.refuse")
    assert job.status == "failed"
    assert job.error["detail"] == "no more seats"
    assert job.error["status"] == 409


@pytest.mark.parametrize("kind", ["test.unstorable", "test.result"])
def test_a_result_that_cannot_be_kept_fails_the_job_for_good(recorder: Recorder, kind: str) -> None:
    job = executed(kind, **({"kind": "file-gone"} if kind == "test.result" else {}))
    assert job.status == "failed"
    assert job.error["type"].endswith("unstorable-result")
    assert "/nowhere" not in str(job.error)


def test_arguments_that_no_longer_fit_fail_the_job_for_good(recorder: Recorder) -> None:
    job = executed("test.add", left="many")
    assert (job.status, job.error["errors"][0]["loc"]) == ("failed", ["args", "left"])


def test_a_handler_over_its_time_is_interrupted_and_not_tried_again(recorder: Recorder) -> None:
    job = started("test.stubborn", time_limit=0.01)
    with executing(job) as thread:
        until(lambda: not thread.is_alive(), Heartbeat(running).step)
    assert fresh(job).status == "failed"
    assert fresh(job).error["status"] == 504


def test_a_handler_that_never_looks_is_cancelled_after_its_grace(
    recorder: Recorder, configure: Configure
) -> None:
    configure(CANCEL_GRACE=0.01)
    job = started("test.stubborn")
    with executing(job) as thread:
        assert not lifecycle.cancel(fresh(job))
        until(lambda: not thread.is_alive(), Heartbeat(running).step)
    assert fresh(job).status == "cancelled"


def test_a_handler_that_looks_is_cancelled_when_it_returns(
    recorder: Recorder, configure: Configure, gate: Path
) -> None:
    configure(CANCEL_GRACE=60)
    job = started("test.hold", until=str(gate))
    with executing(job) as thread:
        lifecycle.cancel(fresh(job))
        until(lambda: not thread.is_alive(), Heartbeat(running).step)
    assert fresh(job).status == "cancelled"


def test_a_handler_that_swallows_every_interrupt_ends_without_its_thread(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, gate: Path
) -> None:
    monkeypatch.setattr(heartbeat, "STUCK_AFTER", 0.01)
    job = started("test.deaf", time_limit=0.01, until=str(gate))
    with executing(job) as thread:
        until(lambda: fresh(job).over, Heartbeat(running).step)
        assert (fresh(job).status, thread.is_alive()) == ("failed", True)
        assert running.attempts() == []
        gate.touch()
    assert (fresh(job).status, fresh(job).version) == ("failed", 3)
    assert recorder.types(job.id) == ["started", "failed"]


def test_a_stopping_worker_gives_the_job_back(recorder: Recorder) -> None:
    job = started("test.stubborn", max_attempts=1)
    with executing(job):
        for attempt in running.attempts():
            attempt.interrupt(Shutdown)
    assert (fresh(job).status, fresh(job).released) == ("queued", 1)


@pytest.mark.parametrize("heeds", [True, False])
def test_a_stopping_worker_fails_a_job_that_may_not_begin_twice(
    recorder: Recorder, gate: Path, heeds: bool
) -> None:
    job = started("test.once", max_attempts=3, until=str(gate))
    with executing(job):
        until(lambda: any(attempt.run.unrepeatable for attempt in running.attempts()))
        for attempt in running.attempts():
            if heeds:
                attempt.interrupt(Shutdown)
            else:
                execution.settle(attempt)
                gate.touch()
    job = fresh(job)
    assert (job.status, job.released, job.error["status"]) == ("failed", 0, 503)
    assert job.error["type"] == "urn:pushjobs:problem:interrupted"


def test_an_async_handler_knows_its_owner(recorder: Recorder) -> None:
    owner = get_user_model().objects.create(username="ada")
    job = make(name="test.owner_async", owner=owner)
    assert lifecycle.start(job, running.worker)
    execution.execute(fresh(job))
    assert fresh(job).result == "ada"


def test_an_attempt_that_lost_its_job_learns_of_it_and_changes_nothing(
    recorder: Recorder, gate: Path
) -> None:
    job = started("test.talk", until=str(gate), words=1)
    with executing(job):
        until(lambda: bool(recorder.said))
        assert lifecycle.abandon(fresh(job), ERROR)
        Heartbeat(running).step()
        assert (str(job.id), 1) in recorder.silenced
        gate.touch()
    assert fresh(job).status == "queued"


def test_a_heartbeat_keeps_leases_and_progress(recorder: Recorder, gate: Path) -> None:
    job = started("test.talk", until=str(gate), words=3)
    with executing(job):
        until(lambda: len(recorder.said) == 6)
        before = fresh(job).lease_until
        Heartbeat(running).step()
        assert fresh(job).lease_until > before  # type: ignore[operator]
        assert fresh(job).progress["done"] == 3
        gate.touch()
    assert fresh(job).status == "succeeded"


def test_a_heartbeat_between_an_end_and_its_word_silences_no_one(recorder: Recorder) -> None:
    """The row has ended, and its announcement has yet to flush what the handler said last."""
    job = started("test.talk")
    recorder.before = Heartbeat(running).step
    execution.execute(job)
    assert fresh(job).status == "succeeded"
    assert recorder.silenced == []


@pytest.mark.parametrize("error", [OperationalError("locked"), InternalError("read-only")])
def test_a_database_that_takes_nothing_for_a_moment_costs_nothing(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real, failures = lifecycle.succeed, iter([1, 1])

    def succeed(*args: Any, **kwargs: Any) -> bool:
        if next(failures, 0):
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(lifecycle, "succeed", succeed)
    monkeypatch.setattr("pushjobs.outage.PAUSES", (0, 0, 0))
    assert executed("test.echo", value=1).status == "succeeded"


def test_a_response_that_never_ends_is_cut_at_the_jobs_time(recorder: Recorder) -> None:
    job = started("test.endless", time_limit=0.3)
    with executing(job):
        until(lambda: fresh(job).over, Heartbeat(running).step)
    assert fresh(job).error["type"].endswith("time-limit")


def test_a_response_over_the_limit_is_read_no_further(
    recorder: Recorder, configure: Configure
) -> None:
    configure(MAX_RESULT=1000)
    assert executed("test.endless").error["type"].endswith("unstorable-result")


@pytest.mark.parametrize(("final", "status"), [(True, "failed"), (False, "scheduled")])
def test_an_error_with_odd_text_ends_its_attempt_all_the_same(
    recorder: Recorder, final: bool, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "pushjobs")  # The tests' own report cannot take such text.
    job = executed("test.odd_text", final=final)
    assert (job.status, job.attempt) == (status, 1)
    if final:
        assert job.error["detail"] == "caf?�"
        assert (job.error["since"], job.error["at"]) == ("2026-01-02", {"?": [1]})


def test_an_attempt_whose_result_is_never_kept_is_ended_long_after_its_time(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "KEEPING_LIMIT", 0.1)
    go_on = threading.Event()
    monkeypatch.setattr(execution, "store", lambda *_: go_on.wait(60))
    job = started("test.echo", time_limit=0.1)
    with executing(job):
        until(lambda: fresh(job).over, Heartbeat(running).step)
        go_on.set()
    assert fresh(job).error["type"].endswith("time-limit")


def test_an_attempt_that_its_thread_has_just_given_back_is_not_cancelled_for_it(
    recorder: Recorder,
) -> None:
    """A stopping worker ends attempts whose threads do not, and one may do so at that moment."""
    job = started("test.echo")
    with running.entered(job, Run(job, recorder)) as attempt:  # type: ignore[arg-type]
        assert lifecycle.release(job, lifecycle.stopped_worker())
        execution.settle(attempt)
    assert fresh(job).status == "queued"


@pytest.mark.parametrize("heard", [True, False])
def test_an_end_says_whether_all_output_was_told_before_it(recorder: Recorder, heard: bool) -> None:
    recorder.heard = heard
    executed("test.class", name="Ada")
    end = recorder.statuses[-1]
    assert end.type == "job.succeeded"
    assert end.data.get("output_complete", True) is heard
