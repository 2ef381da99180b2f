"""``project.demo.workerpause``: a worker that takes up no job for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dramatiq
import pytest
from django.test import Client
from dramatiq.brokers.stub import StubBroker
from dramatiq.worker import Worker

from project.demo import page
from project.demo.workerpause import NoWorkerError, WorkerPause
from pushjobs import actors, submit, worker
from tests.unit.jobs import fresh
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pause() -> WorkerPause:
    return WorkerPause()


@pytest.fixture
def running(pause: WorkerPause) -> Iterator[Worker]:
    before = dramatiq.get_broker()
    broker = StubBroker(middleware=[pause])
    dramatiq.set_broker(broker)
    worker.equip(broker)
    actors.register(broker)
    found = Worker(broker, worker_threads=2, worker_timeout=50)
    found.start()
    yield found
    found.stop(timeout=20_000)
    dramatiq.set_broker(before)


def test_a_paused_worker_takes_up_nothing_until_it_goes_on(
    pause: WorkerPause, running: Worker
) -> None:
    pause.pause()
    assert 0 < (pause.left or 0) <= 60
    job = submit("test.echo", value=3)
    until(lambda: running.work_queue.qsize() == 1)
    assert all(thread.paused_event.is_set() for thread in running.workers)
    assert fresh(job).status == "queued"
    pause.resume()
    assert pause.left is None
    until(lambda: fresh(job).over)


def test_what_runs_goes_on_while_the_worker_is_paused(
    pause: WorkerPause, running: Worker, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    job = submit("test.hold", until=str(gate))
    until(lambda: fresh(job).status == "running")
    pause.pause()
    gate.touch()
    until(lambda: fresh(job).over)
    assert pause.left is not None


def test_a_worker_goes_on_by_itself(running: Worker) -> None:
    pause = WorkerPause(longest=0.2)
    pause.after_worker_boot(running.broker, running)
    pause.pause()
    job = submit("test.echo", value=3)
    until(lambda: fresh(job).over)
    assert pause.left is None


def test_to_pause_again_is_to_pause_for_longer(pause: WorkerPause, running: Worker) -> None:
    pause.pause()
    first = pause._timer
    pause.pause()
    assert pause._timer is not first
    pause._time_out()  # As of the first one, too late to be taken back.
    assert pause.left is not None
    assert all(thread.paused for thread in running.workers)


def test_a_worker_that_ends_is_not_paused_any_more(pause: WorkerPause, running: Worker) -> None:
    pause.pause()
    running.stop(timeout=20_000)
    assert (pause.possible, pause.left) == (False, None)
    with pytest.raises(NoWorkerError):
        pause.pause()


def test_a_visitor_pauses_the_worker(
    pause: WorkerPause, running: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "worker_pause", pause)
    visitor = Client()
    assert visitor.get("/demo/worker").json() == {"here": True, "left": None}
    paused = visitor.post("/demo/worker", {"paused": "1"})
    assert paused.status_code == 200
    assert paused.json()["left"] > 0
    assert visitor.post("/demo/worker", {"paused": "0"}).json() == {"here": True, "left": None}
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/demo/worker", {"paused": "1"}).status_code == 403
    assert pause.left is None


def test_a_worker_in_another_process_cannot_be_paused(
    pause: WorkerPause, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "worker_pause", pause)
    answer = Client().post("/demo/worker", {"paused": "1"})
    assert (answer.status_code, answer.json()) == (409, {"here": False, "left": None})
    text = Client().get("/").text
    assert "data-worker=" not in text
    assert "processes of their own" in text
