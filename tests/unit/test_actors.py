"""``pushjobs.actors``: a message runs one job that waits, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import dramatiq
import pytest
from django.db import InterfaceError, OperationalError
from dramatiq.middleware import CurrentMessage

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


@contextmanager
def current(message: dramatiq.Message[None]) -> Iterator[None]:
    """While inside, this thread processes a message."""
    middleware, broker = CurrentMessage(), dramatiq.get_broker()
    middleware.before_process_message(broker, message)
    try:
        yield
    finally:
        middleware.after_process_message(broker, message)


def test_where_priorities_differ_the_most_urgent_job_runs_first(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    args = {"path": str(notes)}
    low = make(name="test.low", queue="ranked", priority=10, args=args)
    high = make(name="test.high", queue="ranked", priority=-10, args=args)
    for job in (low, high):
        message: dramatiq.Message[None] = dramatiq.Message("ranked", "run_job", (), {}, {})
        with current(message):
            run_job(str(job.id), 0)
    assert notes.read_text().split() == ["high", "low"]


def test_a_message_is_kept_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a worker would go through all messages of its queue, and each job wait to be sent."""
    real, failures = lifecycle.claim, iter([OperationalError("gone"), InterfaceError("closed")])

    def claim(job_id: UUID, attempt: int, worker: str) -> Job | None:
        if (failure := next(failures, None)) is not None:
            raise failure
        return real(job_id, attempt, worker)

    monkeypatch.setattr(lifecycle, "claim", claim)
    job = make(args={"value": 1})
    run_job(str(job.id), 0)
    assert fresh(job).status == "succeeded"


def test_a_message_is_let_go_when_the_database_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushjobs.outage.PAUSES", (0,))

    def claim(job_id: UUID, attempt: int, worker: str) -> Job | None:
        raise OperationalError("gone")

    monkeypatch.setattr(lifecycle, "claim", claim)
    job = make()
    with pytest.raises(OperationalError):
        run_job(str(job.id), 0)
    assert fresh(job).status == "queued"  # A relay sends it again.
