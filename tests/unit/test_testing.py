"""``pushjobs.testing``: what a project's tests do with jobs, rolled back or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from pushjobs import submission, submit
from pushjobs.announcements import Announcements
from pushjobs.events import EventType
from pushjobs.models import Job
from pushjobs.testing import capture_jobs, eager_jobs, record_events, run_jobs
from pushjobs.testing.commits import commits
from pushjobs.testing.foreground import foreground
from tests.app import jobs
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import ERROR, fresh, make


@pytest.fixture(
    params=[
        pytest.param(False, marks=pytest.mark.django_db, id="TestCase"),
        pytest.param(True, marks=pytest.mark.django_db(transaction=True), id="TransactionTestCase"),
    ],
    autouse=True,
)
def _rolled_back_or_not(request: pytest.FixtureRequest) -> None:
    """Each test in a transaction of its own that is rolled back, and in none."""


def user(name: str = "ann") -> Any:
    return get_user_model().objects.create(username=name)


def test_captured_jobs_are_recorded_and_neither_run_nor_sent(postbox: Postbox) -> None:
    ann = user()
    with capture_jobs() as captured:
        submit(jobs.add, left=1, right=2, owner=ann, tags=["batch-7"])
        submit("test.echo", value=3, delay=60)
    assert [job.name for job in captured] == ["test.add", "test.echo"]
    assert [job.status for job in captured] == ["queued", "scheduled"]
    [first] = captured.named(jobs.add)
    assert (first.args, first.owner, first.tags) == ({"left": 1, "right": 2}, ann, ["batch-7"])
    assert postbox.messages == []


def test_a_job_that_was_rolled_back_is_not_among_the_captured() -> None:
    with capture_jobs() as captured:
        with transaction.atomic():
            submit("test.echo")
            transaction.set_rollback(True)
        submit("test.add", left=1)
    assert [job.name for job in captured] == ["test.add"]


def test_what_is_captured_does_not_run_under_eager_either(configure: Configure) -> None:
    configure(EAGER=True)
    with capture_jobs() as captured, commits():
        submit("test.echo")
    assert captured[0].status == "queued"


def test_jobs_run_with_their_retries_at_once(configure: Configure) -> None:
    configure(RETRY_BACKOFF=3600, RETRY_BACKOFF_MAX=3600)
    with capture_jobs() as captured:
        flaky = submit("test.flaky", good_on=3)
        ran = run_jobs()
    assert [job.pk for job in ran] == [flaky.pk] == [job.pk for job in captured]
    assert (ran[0].status, ran[0].attempt, ran[0].result) == ("succeeded", 3, 3)
    assert run_jobs() == []


def test_a_retry_that_waits_already_does_not_wait_for_its_time() -> None:
    waiting = make("scheduled", error=ERROR, attempt=1)
    with capture_jobs():
        assert [job.pk for job in run_jobs()] == [waiting.pk]


def test_jobs_run_by_priority_and_then_by_age(tmp_path: Any) -> None:
    path = str(tmp_path / "order")
    with capture_jobs():
        for name in ("test.low", "test.low", "test.high"):
            submit(name, path=path)
        assert [job.name for job in run_jobs()] == ["test.high", "test.low", "test.low"]


def test_a_scheduled_job_runs_when_its_time_has_come() -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    with capture_jobs():
        job = submit("test.echo", value=1, run_at=tomorrow)
        assert run_jobs(until=tomorrow - timedelta(seconds=1)) == []
        assert [ran.pk for ran in run_jobs(until=tomorrow)] == [job.pk]
    assert fresh(job).result == 1


def test_a_failure_is_shown_where_it_is_to_be_none() -> None:
    with capture_jobs():
        submit("test.fail", secret="the reason")
        with pytest.raises(AssertionError, match="cannot open the reason"):
            run_jobs(check=True)


def test_jobs_that_submit_each_other_for_ever_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushjobs.testing.run.LIMIT", 2)
    with capture_jobs():
        for _ in range(3):
            submit("test.echo")
        with pytest.raises(AssertionError, match="2 jobs have run"):
            run_jobs()


def test_eagerly_a_job_runs_inside_submit_but_not_before_its_transaction_has_ended() -> None:
    with eager_jobs():
        assert fresh(submit("test.echo", value=1)).result == 1
        with transaction.atomic():
            job = submit("test.flaky", good_on=2)
            assert fresh(job).status == "queued"
        assert fresh(job).result == 2
        with transaction.atomic():
            submit("test.echo")
            transaction.set_rollback(True)
    assert Job.objects.count() == 2


def test_events_are_recorded_one_by_one_and_in_order() -> None:
    ann = user()
    with capture_jobs(), record_events() as events:
        talk = submit("test.talk", words=3, owner=ann, tags=["batch-7"])
        other = submit("test.echo")
        run_jobs()
    said = [EventType.OUTPUT, EventType.PROGRESS]
    assert events.types(talk) == [EventType.QUEUED, EventType.STARTED, *said * 3, "job.succeeded"]
    assert events.output(talk) == "word-0 word-1 word-2 "
    assert [event.data["done"] for event in events.of(talk) if event.type == said[1]] == [1, 2, 3]
    assert events.of(talk)[-1].data["result"] == {"words": 3}
    for channel in (f"job:{talk.id}", "user:me", "tag:batch-7"):
        assert events.on(channel, ann) == events.of(talk)
    assert events.on("tag:batch-7", user("bob")) == []
    assert len(events) == len(events.of(talk)) + len(events.of(other.id))
    with pytest.raises(ValueError, match="with a user"):
        events.on("user:me")


def test_events_of_each_attempt_are_recorded_and_each_status_once() -> None:
    with capture_jobs(), record_events() as events:
        job = submit("test.fail")
        run_jobs()
        submission.lifecycle.announce(fresh(job))
    kinds = [kind.removeprefix("job.") for kind in events.types(job)]
    attempt = ["started", "output"]
    assert kinds == ["queued", *attempt, "retrying", "queued", *attempt, "failed"]


def test_a_commit_calls_what_waited_for_it_and_a_rollback_does_not() -> None:
    called: list[str] = []

    def note(what: str) -> Callable[[], None]:
        return lambda: called.append(what)

    def fail() -> None:
        raise RuntimeError("not heard")

    with commits():
        transaction.on_commit(note("at once"))
        with transaction.atomic():
            transaction.on_commit(note("outer"))
            with transaction.atomic():
                transaction.on_commit(note("rolled back"))
                transaction.set_rollback(True)
            with transaction.atomic(savepoint=False):
                transaction.on_commit(note("joined"))
            assert called == ["at once"]
        assert called == ["at once", "outer", "joined"]
        transaction.on_commit(fail, robust=True)
        with pytest.raises(RuntimeError, match="not heard"):
            transaction.on_commit(fail)


def test_the_foreground_ends_with_the_last_who_is_in_it() -> None:
    """Two requests of an asynchronous client may end in the order in which they began."""
    before = Announcements._write
    first, second = foreground(), foreground()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert Announcements._write is not before
    second.__exit__(None, None, None)
    assert Announcements._write is before
