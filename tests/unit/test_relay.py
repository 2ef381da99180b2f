"""``pushjobs.relay``: whatever got stuck goes on, once."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import OperationalError
from django.utils import timezone

from pushjobs import relay
from pushjobs.conf import settings
from pushjobs.context import Run
from pushjobs.exceptions import BrokerUnavailable
from pushjobs.models import Job
from pushjobs.publisher import get_publisher
from pushjobs.queries import from_now
from pushjobs.running import running
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import fresh, in_past, make
from tests.unit.recorder import Recorder
from tests.unit.test_lifecycle import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quiet(recorder: Recorder, postbox: Postbox) -> None:
    """Nothing leaves the database."""


def test_a_job_whose_worker_fell_silent_is_queued_again_and_no_other() -> None:
    lost, alive, waiting = make("running"), make("running"), make()
    in_past(lost, lease_until=True)
    assert relay.take_back() == 1
    assert [fresh(job).status for job in (lost, alive, waiting)] == ["queued", "running", "queued"]
    assert relay.take_back() == 0


def test_a_job_whose_worker_fell_silent_for_the_last_time_has_failed(recorder: Recorder) -> None:
    lost = make("running", attempt=3)
    in_past(lost, lease_until=True)
    assert relay.take_back() == 1
    assert recorder.types(lost.id) == ["failed"]


def test_after_the_database_was_away_each_worker_has_a_leases_time_to_renew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent, now, patient = make("running"), 1000.0, relay.Relay()
    in_past(silent, lease_until=True)
    monkeypatch.setattr("pushjobs.relay.time.monotonic", lambda: now)

    def away() -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as outage:
        outage.setattr(relay, "_jobs", away)
        for _ in range(2):
            patient.step()
            now += 2 * settings.LEASE
    for passed in (0.0, settings.LEASE / 2):
        now += passed
        patient.step()
        assert fresh(silent).status == "running"
    now += settings.LEASE
    patient.step()
    assert fresh(silent).status == "queued"


def test_a_scheduled_job_is_queued_when_its_time_has_come(recorder: Recorder) -> None:
    due, later = make("scheduled"), make("scheduled")
    in_past(due, run_at=True)
    assert relay.queue_due() == 1
    assert [fresh(job).status for job in (due, later)] == ["queued", "scheduled"]
    assert recorder.types(due.id) == ["queued"]


def test_what_the_broker_never_had_is_sent_once_it_is_back(postbox: Postbox) -> None:
    jobs = [make(), make(attempt=2)]
    postbox.down = True
    with pytest.raises(BrokerUnavailable):
        relay.send_lost()
    assert [fresh(job).resend_at for job in jobs] == [None, None]
    postbox.down = False
    assert relay.send_lost() == 2
    assert postbox.messages == [(str(jobs[0].id), 0), (str(jobs[1].id), 2)]
    assert relay.send_lost() == 0


def test_what_the_broker_lost_is_sent_again_and_again_at_growing_intervals(
    postbox: Postbox, configure: Configure
) -> None:
    configure(REENQUEUE_AFTER=1000)
    job = make()
    trusted = []
    for times in (1, 2, 3):
        assert relay.send_lost() == 1
        assert len(postbox.messages) == times
        assert relay.send_lost() == 0
        until = fresh(job).resend_at
        assert until is not None
        trusted.append((until - timezone.now()).total_seconds() // 900)
        in_past(job, resend_at=True)
    assert trusted == [1, 2, 4]


def test_a_broker_that_stays_down_does_not_lengthen_the_intervals(postbox: Postbox) -> None:
    job = make()
    postbox.down = True
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            relay.send_lost()
    assert (fresh(job).resend_at, fresh(job).sends) == (None, 0)


def test_what_goes_wrong_after_some_were_sent_costs_only_the_rest(postbox: Postbox) -> None:
    jobs = [make() for _ in range(3)]
    postbox.fails_after = 1
    with pytest.raises(BrokerUnavailable):
        relay.send_lost()
    postbox.fails_after = None
    assert relay.send_lost() == 2
    assert [key for key, _ in postbox.messages] == [str(job.id) for job in jobs]


def test_what_a_log_out_of_reach_cannot_take_is_not_announced_into_memory(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_past(make("failed", announced=2), announce_at=True)
    monkeypatch.setattr(recorder, "backlog", relay.BATCH)
    assert relay.announce_untold() == 0
    monkeypatch.setattr(recorder, "backlog", 0)
    assert relay.announce_untold() == 1
    assert relay.announce_untold() == 0


def test_more_than_a_batch_is_done_in_one_round(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "BATCH", 2)
    for _ in range(5):
        make()
    relay.Relay().step()
    assert len(postbox.messages) == 5


def test_only_jobs_that_wait_are_sent(postbox: Postbox) -> None:
    for status in ("scheduled", "running", "succeeded", "cancelled"):
        make(status)
    assert relay.send_lost() == 0


def test_the_most_urgent_is_sent_first(postbox: Postbox) -> None:
    later, first = make(priority=5), make(priority=-5)
    relay.send_lost()
    assert [key for key, _ in postbox.messages] == [str(first.id), str(later.id)]


def test_what_no_one_was_told_is_told_from_the_row_alone(recorder: Recorder) -> None:
    told, untold, new = make("succeeded"), make("failed", announced=2), make(announced=0)
    Job.objects.filter(pk=new.pk).update(announce_at=from_now(60))
    for job in (told, untold):
        in_past(job, announce_at=True)
    assert relay.announce_untold() == 1
    (event,) = recorder.statuses
    assert (event.job, event.type, event.version) == (str(untold.id), "job.failed", 3)
    assert recorder.types(new.id) == []


def test_what_is_told_is_noted_so_that_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushjobs.relay.get_publisher", get_publisher)
    job = make("failed", announced=2)
    in_past(job, announce_at=True)
    assert relay.announce_untold() == 1
    publisher = get_publisher()
    assert publisher.flush(20)
    notes = publisher._on_published.__self__  # type: ignore[union-attr]
    home = publisher._home
    assert home is not None
    asyncio.run_coroutine_threadsafe(notes.settled(), home).result(20)
    assert fresh(job).announced == 3
    assert relay.announce_untold() == 0


def test_two_relays_at_once_do_nothing_twice(recorder: Recorder, postbox: Postbox) -> None:
    lost, due, unsent = make("running"), make("scheduled"), make()
    in_past(lost, lease_until=True)
    in_past(due, run_at=True)
    in_threads(*[relay.Relay().step for _ in range(2)])
    relay.Relay().step()
    assert sorted(postbox.messages) == sorted(
        [(str(job.id), job.attempt) for job in (lost, due, unsent)]
    )
    assert recorder.types(lost.id) == ["retrying"]
    assert recorder.types(due.id) == ["queued"]


def test_a_part_that_fails_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch, postbox: Postbox
) -> None:
    def broken() -> int:
        raise RuntimeError("as the database may")

    monkeypatch.setattr(relay, "take_back", broken)
    make()
    relay.Relay().step()
    assert len(postbox.messages) == 1


def test_after_a_restart_all_that_ran_or_was_sent_is_taken_up(postbox: Postbox) -> None:
    ran, sent = make("running"), make()
    in_past(sent, resend_at=True)
    assert relay.recover() == 1
    assert relay.send_lost() == 2
    assert {key for key, _ in postbox.messages} == {str(ran.id), str(sent.id)}


def test_a_job_that_runs_in_this_process_is_not_taken_from_it(recorder: Recorder) -> None:
    """Its lease may run out because the database was busy; its thread lives."""
    job = make("running", worker=running.worker)
    in_past(job, lease_until=True)
    with running.entered(job, Run(job, recorder)):  # type: ignore[arg-type]
        assert relay.take_back() == 0
    assert relay.take_back() == 1


def test_a_broker_in_memory_is_not_sent_again_what_it_has(
    monkeypatch: pytest.MonkeyPatch, postbox: Postbox
) -> None:
    attended = threading.Event()
    monkeypatch.setattr("pushjobs.broker.in_memory", lambda: True)
    monkeypatch.setattr("pushjobs.broker.attended", attended)
    in_past(make(), resend_at=True)
    never_sent = make()
    assert relay.send_lost() == 0, "no worker runs here"
    attended.set()
    assert relay.send_lost() == 1
    assert postbox.messages == [(str(never_sent.id), 0)]
