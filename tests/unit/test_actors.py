"""``pushjobs.actors``: a message runs one job that waits, or nothing."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.db import InterfaceError, OperationalError

from pushjobs import lifecycle
from pushjobs.actors import run_job
from pushjobs.models import Job
from tests.unit.jobs import ERROR, fresh, make
from tests.unit.recorder import Recorder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("recorder")]


def test_a_message_that_comes_twice_runs_its_job_once(recorder: Recorder) -> None:
    job = make(args={"value": 1})
    for _ in range(3):
        run_job(str(job.id), 0)
    assert (fresh(job).status, fresh(job).attempt) == ("succeeded", 1)
    assert recorder.types(job.id) == ["started", "succeeded"]


@pytest.mark.parametrize("status", ["scheduled", "running", "succeeded", "cancelled"])
def test_a_message_for_a_job_that_does_not_wait_does_nothing(status: str) -> None:
    job = make(status)
    run_job(str(job.id), job.attempt)
    assert (fresh(job).status, fresh(job).version) == (status, job.version)


def test_a_message_of_an_earlier_attempt_does_nothing() -> None:
    job = make()
    assert lifecycle.start(job, "w")
    assert lifecycle.release(job, ERROR)
    run_job(str(job.id), 0)
    assert fresh(job).status == "queued"
    run_job(str(job.id), 1)
    assert (fresh(job).status, fresh(job).attempt) == ("succeeded", 2)


def test_a_message_for_a_job_that_is_gone_does_nothing() -> None:
    run_job(str(uuid4()), 0)


def test_where_priorities_differ_the_most_urgent_job_runs_first(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    args = {"path": str(notes)}
    low = make(name="test.low", queue="ranked", priority=10, args=args)
    high = make(name="test.high", queue="ranked", priority=-10, args=args)
    run_job(str(low.id), 0)
    run_job(str(high.id), 0)
    assert notes.read_text().split() == ["high", "low"]


def test_a_message_is_kept_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a worker would go through all messages of its queue, and each job wait to be sent."""
    real, failures = lifecycle.start, iter([OperationalError("gone"), InterfaceError("closed")])

    def start(job: Job, worker: str) -> bool:
        if (failure := next(failures, None)) is not None:
            raise failure
        return real(job, worker)

    monkeypatch.setattr(lifecycle, "start", start)
    job = make(args={"value": 1})
    run_job(str(job.id), 0)
    assert fresh(job).status == "succeeded"


def test_a_message_is_let_go_when_the_database_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushjobs.outage.PAUSES", (0,))

    def start(job: Job, worker: str) -> bool:
        raise OperationalError("gone")

    monkeypatch.setattr(lifecycle, "start", start)
    job = make()
    with pytest.raises(OperationalError):
        run_job(str(job.id), 0)
    assert fresh(job).status == "queued"  # A relay sends it again.
