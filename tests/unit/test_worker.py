"""``pushjobs.worker``: what runs beside a worker's threads, and how it stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AsyncIO
from dramatiq.worker import Worker

from pushjobs import actors, lifecycle, submit, worker
from pushjobs.broker import ACTOR
from pushjobs.models import Job
from tests.unit.conftest import Configure
from tests.unit.jobs import fresh
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    before = dramatiq.get_broker()
    found = StubBroker(middleware=[])
    dramatiq.set_broker(found)
    worker.equip(found)
    actors.register(found)
    yield found
    dramatiq.set_broker(before)


@pytest.fixture
def running(broker: StubBroker) -> Iterator[Worker]:
    found = Worker(broker, worker_threads=2, worker_timeout=50)
    found.start()
    yield found
    found.stop(timeout=20_000)


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_a_broker_is_equipped_once(broker: StubBroker) -> None:
    worker.equip(broker)
    kinds = [type(middleware) for middleware in broker.middleware]
    assert (kinds.count(AsyncIO), kinds.count(worker.WorkerServices)) == (1, 1)


def test_sync_and_async_jobs_run_in_a_real_worker(running: Worker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    jobs = [submit("test.echo", value=3), submit("test.hold_async", until=str(gate))]
    gate.touch()
    until(lambda: all(fresh(job).over for job in jobs))
    assert [fresh(job).result for job in jobs] == [3, "released"]


def test_heartbeat_and_relay_live_as_long_as_their_worker(broker: StubBroker) -> None:
    services = {"pushjobs-heartbeat", "pushjobs-relay", "pushjobs-retention"}
    found = Worker(broker, worker_threads=1, worker_timeout=50)
    found.start()
    assert services <= names()
    found.stop(timeout=20_000)
    assert not services & names()


def test_a_stopped_worker_has_noted_what_it_announced(
    broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushjobs.announcements._GATHER", 0.8)
    found = Worker(broker, worker_threads=1, worker_timeout=50)
    found.start()
    job = submit("test.echo")
    until(lambda: fresh(job).over)
    found.stop(timeout=20_000)
    job = fresh(job)
    assert job.announced == job.version


def test_a_stopping_worker_gives_back_what_does_not_end_in_its_grace(
    broker: StubBroker, configure: Configure, tmp_path: Path
) -> None:
    configure(SHUTDOWN_GRACE=0.2)
    found = Worker(broker, worker_threads=1, worker_timeout=50)
    found.start()
    job = submit("test.stubborn", until=str(tmp_path / "never"))
    until(lambda: fresh(job).status == "running")
    found.stop(timeout=20_000)
    job = fresh(job)
    assert (job.status, job.attempt, job.released) == ("queued", 1, 1)
    assert job.error["type"].endswith("worker-stopped")


@pytest.mark.parametrize("grace", [0, 0.5])
def test_a_worker_that_stops_as_it_claims_a_job_gives_it_back(
    broker: StubBroker,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    grace: float,
) -> None:
    configure(SHUTDOWN_GRACE=grace)
    claimed, stopping = threading.Event(), threading.Event()
    claim, wait = lifecycle.claim, worker._wait

    def slow_claim(*arguments: Any) -> Any:
        job = claim(*arguments)
        claimed.set()
        stopping.wait(20)
        return job

    def noted_wait(*arguments: Any) -> None:
        if grace or len(arguments) > 1:  # Without a grace, only once it is over.
            stopping.set()
        wait(*arguments)

    monkeypatch.setattr(lifecycle, "claim", slow_claim)
    monkeypatch.setattr(worker, "_wait", noted_wait)
    found = Worker(broker, worker_threads=1, worker_timeout=50)
    found.start()
    job = submit("test.stubborn", until=str(tmp_path / "never"))
    assert claimed.wait(20)
    found.stop(timeout=20_000)
    job = fresh(job)
    assert (job.status, job.attempt, job.released) == ("queued", 1, 1)
    assert "its thread is lost" not in caplog.text


def test_a_worker_that_stops_does_not_take_up_what_it_has_given_back(
    broker: StubBroker, configure: Configure, tmp_path: Path
) -> None:
    """Another relay may send it at once, and a thread of this worker still wait for a message."""
    configure(SHUTDOWN_GRACE=0)
    found = Worker(broker, worker_threads=2, worker_timeout=50)
    found.start()
    job = submit("test.stubborn", until=str(tmp_path / "never"))
    until(lambda: fresh(job).status == "running")
    worker.services_of(broker).before_worker_shutdown(broker, found)
    until(lambda: fresh(job).status == "queued")
    Job.objects.update(resend_at=timezone.now(), sends=1)
    sent_anew = (str(job.id), job.attempt + 1)
    broker.enqueue(dramatiq.Message("default", ACTOR, sent_anew, {}, {}))
    until(lambda: fresh(job).resend_at is None)
    found.stop(timeout=20_000)
    job = fresh(job)
    assert (job.status, job.attempt, job.sends) == ("queued", 1, 0)


def test_the_more_urgent_job_of_a_queue_runs_first(broker: StubBroker, tmp_path: Path) -> None:
    path = tmp_path / "order"
    jobs: list[Job] = [
        submit(name, path=str(path)) for name in ("test.low", "test.low", "test.high")
    ]
    found = Worker(broker, worker_threads=1, worker_timeout=50)
    found.start()
    until(lambda: all(fresh(job).over for job in jobs))
    found.stop(timeout=20_000)
    assert path.read_text().split() == ["high", "low", "low"]


def test_a_message_of_a_job_that_is_gone_is_dropped(running: Worker, broker: Any) -> None:
    job = submit("test.echo")
    until(lambda: fresh(job).over)
    Job.objects.all().delete()
    actors.run_job(str(job.id), 0)
    assert not Job.objects.exists()
