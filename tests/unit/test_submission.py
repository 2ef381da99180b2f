"""``pushjobs.submission``: a job is accepted whole, once, or not at all."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from pushjobs import asubmit, duplicates, files, submission, submit
from pushjobs.exceptions import (
    BrokerUnavailable,
    Conflict,
    IdempotencyMismatch,
    InvalidArguments,
    UnknownJobName,
)
from pushjobs.models import Job, JobTag
from tests.app import jobs
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import fresh, make
from tests.unit.recorder import Recorder
from tests.unit.test_lifecycle import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_files(recorder: Recorder, postbox: Postbox, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def upload(text: str = "a,b\n", name: str = "table.csv") -> ContentFile[bytes]:
    return ContentFile(text.encode(), name=name)


def kept_files(settings: Any) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def user(name: str) -> Any:
    return get_user_model().objects.create(username=name)


def test_a_job_is_written_told_and_sent_once_its_transaction_commits(
    recorder: Recorder, postbox: Postbox
) -> None:
    with transaction.atomic():
        job = submit(jobs.add, left=1, right="2", tags=["a", "b", "a"])
        assert (recorder.statuses, postbox.messages) == ([], [])
    assert postbox.messages == [(str(job.id), 0)]
    assert recorder.types(job.id) == ["queued"]
    job = fresh(job)
    assert (job.status, job.args, job.tags) == ("queued", {"left": 1, "right": 2}, ["a", "b"])
    assert job.resend_at is not None
    assert set(JobTag.objects.values_list("name", flat=True)) == {"a", "b"}


def test_a_rolled_back_transaction_leaves_no_job(recorder: Recorder, postbox: Postbox) -> None:
    with transaction.atomic():
        submit("test.echo", value=1)
        transaction.set_rollback(True)
    assert (Job.objects.count(), postbox.messages, recorder.statuses) == (0, [], [])


def test_what_does_not_fit_is_refused_and_nothing_kept(settings: Any) -> None:
    with pytest.raises(UnknownJobName):
        submit("no.such.job")
    for call in (
        lambda: submit("test.add", left="x"),
        lambda: submit("test.digest", data=upload(), note=7),
        lambda: submission.accept(
            submission.registry.get("test.echo"), args={}, uploads={"value": upload()}
        ),
        lambda: submit("test.echo", tags=["x" * 101]),
        lambda: submit("test.echo", tags=[""]),
        lambda: submit("test.echo", tags=["a\nb"]),
        lambda: submit("test.echo", tags=map(str, range(21))),
    ):
        with pytest.raises(InvalidArguments):
            call()
    assert (Job.objects.count(), kept_files(settings)) == (0, [])


def test_a_parameter_that_bears_an_options_name_goes_in_the_mapping() -> None:
    assert submit("test.class", {"name": "tags"}).args == {"name": "tags"}


def test_a_job_for_later_waits_and_is_not_sent(postbox: Postbox) -> None:
    moment = timezone.now() + timedelta(hours=1)
    for options in ({"run_at": moment}, {"delay": 3600}, {"delay": timedelta(hours=1)}):
        job = fresh(submit("test.echo", **options))  # type: ignore[arg-type]
        assert job.status == "scheduled"
        assert abs(job.run_at - moment) < timedelta(minutes=1)  # type: ignore[operator]
    assert postbox.messages == []


def test_a_time_that_has_passed_is_now(postbox: Postbox) -> None:
    job = submit("test.echo", run_at=timezone.now() - timedelta(hours=1))
    assert (job.status, len(postbox.messages)) == ("queued", 1)


def test_the_same_key_with_the_same_request_is_the_same_job(postbox: Postbox) -> None:
    options: dict[str, Any] = {"idempotency_key": "k", "tags": ["a"]}
    first = submit("test.add", left=1, **options)
    assert submit("test.add", left="1", right=0, **options).id == first.id
    assert len(postbox.messages) == 1
    for other in ({"left": 2}, {"left": 1, "right": 1}):
        with pytest.raises(IdempotencyMismatch):
            submit("test.add", **options, **other)


def test_a_key_with_a_delay_is_the_same_request_a_moment_later() -> None:
    first = submit("test.echo", idempotency_key="k", delay=3600)
    assert submit("test.echo", idempotency_key="k", delay=3600).id == first.id


def test_a_key_belongs_to_its_user() -> None:
    owners = (None, user("ann"), user("bob"))
    ids = {submit("test.echo", owner=owner, idempotency_key="k").id for owner in owners}
    assert len(ids) == 3


def test_of_requests_with_one_key_at_once_one_makes_a_job(postbox: Postbox) -> None:
    for key in "abc":
        same = [lambda: submit("test.echo", idempotency_key=key).id] * 4  # noqa: B023
        assert len(set(in_threads(*same))) == 1
    assert Job.objects.count() == len(postbox.messages) == 3


def test_files_of_the_request_that_came_second_are_removed(settings: Any) -> None:
    same = [lambda: submit("test.digest", data=upload(), idempotency_key="k").id] * 3
    assert len(set(in_threads(*same))) == 1
    assert len(kept_files(settings)) == 1
    with pytest.raises(IdempotencyMismatch):
        submit("test.digest", data=upload("other"), idempotency_key="k")
    assert len(kept_files(settings)) == 1


def test_a_lost_race_removes_no_file_that_an_argument_merely_names(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = files.storage().save("pushjobs/theirs", upload())
    value = {"key": theirs, "sha256": ""}
    submit("test.echo", value=value, idempotency_key="k")
    real, seen = duplicates.replayed, set[Any]()

    def late(job: Job) -> Any:
        """Does not see the other request the first time, as in a race."""
        return real(job) if job.pk in seen else seen.add(job.pk)

    monkeypatch.setattr(duplicates, "replayed", late)
    submit("test.echo", value=value, idempotency_key="k")
    assert files.storage().exists(theirs)


def test_a_job_that_the_database_refuses_is_not_taken_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither job has a key, and both ask for the same."""
    submit("test.echo")

    def refuse(job: Job, **_: object) -> None:
        raise IntegrityError("the owner is gone")

    monkeypatch.setattr("pushjobs.lifecycle.admit", refuse)
    with pytest.raises(IntegrityError):
        submit("test.echo")


def test_files_are_stored_with_what_they_are(tmp_path: Path) -> None:
    local = tmp_path / "extra ü.csv"
    local.write_text("x")
    job = submit("test.digest", data=upload("a,b\n"), extra=local)
    data, extra = job.args["data"], job.args["extra"]
    assert (data["name"], data["size"]) == ("table.csv", 4)
    assert extra["name"] == "extra ü.csv"
    with files.storage().open(data["key"]) as handle:
        assert handle.read() == b"a,b\n"
    assert str(job.id) in data["key"]


def test_files_of_a_job_that_cannot_be_written_are_removed(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(job: Job, **_: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr("pushjobs.lifecycle.admit", fail)
    with pytest.raises(RuntimeError):
        submit("test.digest", data=upload())
    assert kept_files(settings) == []


def test_without_a_broker_the_relay_sends_later(postbox: Postbox) -> None:
    postbox.down = True
    job = submit("test.echo")
    assert (fresh(job).status, fresh(job).resend_at) == ("queued", None)


def test_without_a_broker_it_can_run_here_and_now(postbox: Postbox, configure: Configure) -> None:
    configure(ENQUEUE_FALLBACK="inline")
    postbox.down = True
    assert fresh(submit("test.echo", value=[1])).result == [1]


def test_without_a_broker_it_can_be_refused_whole(
    postbox: Postbox, configure: Configure, settings: Any
) -> None:
    configure(ENQUEUE_FALLBACK="reject")
    postbox.down = True
    with pytest.raises(BrokerUnavailable):
        submit("test.digest", data=upload(), tags=["a"], idempotency_key="k")
    assert (Job.objects.count(), JobTag.objects.count(), kept_files(settings)) == (0, 0, [])
    postbox.down = False
    assert submit("test.digest", data=upload(), tags=["a"], idempotency_key="k").status == "queued"


def test_of_a_rejected_job_no_ghost_is_left_on_its_owners_channel(
    configure: Configure, recorder: Recorder, postbox: Postbox
) -> None:
    configure(ENQUEUE_FALLBACK="reject")
    postbox.down = True
    with pytest.raises(BrokerUnavailable):
        submit(jobs.add, left=1, owner=user("ann"))
    assert [event.type for event in recorder.statuses] == ["job.queued", "job.cancelled"]


def test_what_a_job_does_not_say_comes_from_the_settings(configure: Configure) -> None:
    configure(MAX_ATTEMPTS=7, TIME_LIMIT=8, RETENTION=9)
    job = submit("test.digest", data=upload())
    assert (job.max_attempts, job.time_limit, job.retention) == (7, 8, 9)
    assert submit("test.slow").time_limit == 0.3


def test_eagerly_a_job_runs_to_its_end_with_its_retries(
    configure: Configure, recorder: Recorder, postbox: Postbox
) -> None:
    configure(EAGER=True)
    assert fresh(submit("test.flaky", good_on=3)).result == 3
    failed = fresh(submit("test.fail"))
    assert (failed.status, failed.attempt, postbox.messages) == ("failed", 2, [])
    assert recorder.types(failed.id)[0] == "queued"


def test_a_failed_job_is_submitted_once_more_with_its_own_copy_of_its_files() -> None:
    first = submit("test.digest", data=upload(), note="n", tags=["a"], owner=user("ann"))
    with pytest.raises(Conflict):
        submission.again(first, owner=first.owner)
    Job.objects.filter(pk=first.pk).update(status="failed")
    again = submission.again(fresh(first), owner=first.owner).job
    assert (again.retry_of, again.tags, again.args["note"]) == (first.id, ["a"], "n")
    assert again.args["data"]["key"] != first.args["data"]["key"]
    assert again.args["data"]["sha256"] == first.args["data"]["sha256"]


def test_what_has_succeeded_is_not_submitted_again() -> None:
    with pytest.raises(Conflict):
        submission.again(make("succeeded"), owner=None)


def test_from_a_coroutine_it_is_the_same() -> None:
    assert asyncio.run(asubmit("test.echo", value=1)).args == {"value": 1}


def test_a_job_of_someone_without_a_login_has_no_owner() -> None:
    assert submit("test.echo", owner=AnonymousUser()).owner is None


def test_an_error_says_in_words_what_does_not_fit() -> None:
    with pytest.raises(InvalidArguments, match=r"args\.wrong: Extra inputs"):
        submit(jobs.add, left=1, wrong=2)
    with pytest.raises(UnknownJobName, match=r"'nobody\.knows'"):
        submit("nobody.knows")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [nested(150), float("inf"), float("nan"), 10**30, "caf\udce9", "nul\x00", {"\x00": 1}]
)
def test_arguments_that_not_every_database_keeps_are_refused(value: Any) -> None:
    with pytest.raises(InvalidArguments, match="args: they hold"):
        submit("test.echo", value=value)
    assert not Job.objects.exists()


def test_a_moment_that_no_clock_reaches_is_refused() -> None:
    far = datetime.fromisoformat("9999-12-31T23:59:59-14:00")
    for options in ({"run_at": far}, {"delay": timedelta.max}):
        with pytest.raises(InvalidArguments, match="run_at"):
            submit("test.echo", **options)


def test_a_file_with_a_long_name_in_any_script_is_kept(settings: Any) -> None:
    submit("test.digest", data=upload(name="表" * 150 + ".csv"))
    assert len(kept_files(settings)) == 1
