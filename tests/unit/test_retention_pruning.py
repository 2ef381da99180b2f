"""``pushjobs.pruning``: what is removed, and what never is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.db.models.deletion import Collector
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pushjobs import files, relay, submit
from pushjobs.exceptions import BrokerUnavailable
from pushjobs.models import Job, JobTag
from pushjobs.pruning import Pruning
from pushjobs.queries import JobQuerySet
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import in_past, make
from tests.unit.kept import left, past, with_file
from tests.unit.test_lifecycle import in_threads

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media", "recorder", "postbox"),
]


def expired() -> JobQuerySet:
    return JobQuerySet(Job).expired().order_by("expires_at")


def prune(**options: Any) -> Pruning:
    pruning = Pruning(expired(), **options)
    assert pruning.run()
    return pruning


def there(folder: Path) -> list[str]:
    """The files and folders below one, but for that of all jobs."""
    return sorted(str(path.relative_to(folder)) for path in (folder / files.FOLDER).rglob("*"))


def test_a_job_past_its_retention_goes_with_its_files_and_folders(media: Path) -> None:
    upload = partial(ContentFile, name="table.csv")
    old, other = (submit("test.digest", data=upload(text)) for text in (b"old", b"other"))
    Job.objects.update(status="succeeded", attempt=2, announced=9)
    stray = f"{files.folder_of(old.id)}/out/1/body"  # Of the attempt that was lost.
    files.storage().save(stray, ContentFile(b"stray"))
    in_past(old, expires_at=True)
    assert prune().removed == 1
    assert left() == {other.id}
    assert {path.split("/")[1] for path in there(media)} == {str(other.id)}


def test_what_is_not_over_or_was_not_told_is_kept_however_old() -> None:
    """Who was not told would never learn how the job ended."""
    kept = {past("running").id, make("succeeded").id, past("failed", announced=2).id}
    assert prune().removed == 0
    assert left() == kept


def test_an_argument_that_only_looks_like_a_file_costs_no_file(media: Path) -> None:
    """A client can send any JSON, a description of someone else's file included."""
    key = files.storage().save("theirs", ContentFile(b"theirs"))
    alike = files.InputFile(key, "a", 1, "text/csv", "0" * 64).as_json()
    past("failed", args={"value": alike})
    assert prune().removed == 1
    assert (media / "theirs").exists()


@pytest.mark.parametrize(
    "args", [{"data": "was text once"}, {"data": {"no": "key"}}, {"data": ["list"]}], ids=str
)
def test_a_row_that_no_longer_fits_its_job_is_removed(args: dict[str, Any]) -> None:
    past(name="test.digest", args=args)
    assert prune().removed == 1


def test_a_job_that_the_project_no_longer_has_goes_with_its_files(media: Path) -> None:
    job = past(name="test.bygone")
    files.storage().save(f"{files.folder_of(job.id)}/in/data/a", ContentFile(b"a"))
    assert prune().removed == 1
    assert there(media) == []


def test_what_is_interrupted_between_files_and_row_is_finished_later(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = with_file()

    def killed(*args: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(Collector, "delete", killed)
        with pytest.raises(SystemExit):
            prune()
    assert (left(), there(media)) == ({job.id}, [])
    assert prune().removed == 0  # It may be in another process's hand.
    in_past(job, expires_at=True)
    assert prune().removed == 1


def test_a_file_that_cannot_be_deleted_keeps_its_job_and_no_other(
    media: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("stuck", "stuck", "fine", "stuck", "fine")
    stuck = {job.id for job in map(with_file, names) if job.response_file.endswith("stuck")}
    delete = files.delete

    def fails(name: str) -> None:
        if name.endswith("stuck"):
            raise ConnectionError("no answer")
        delete(name)

    with monkeypatch.context() as broken:
        broken.setattr(files, "delete", fails)
        pruning = prune()
    assert (pruning.removed, pruning.failed, left()) == (2, 3, stuck)
    for job in Job.objects.all():
        assert f"job {job.id} cannot be removed" in caplog.text
        assert job.expires_at is not None
        assert job.expires_at > timezone.now()
        in_past(job, expires_at=True)
    assert "no answer" in caplog.text
    assert (prune().removed, there(media)) == (3, [])


@pytest.mark.parametrize(("status", "attempt"), [("failed", 1), ("succeeded", 2)])
def test_what_a_lost_attempt_has_left_goes_though_no_row_names_it(
    status: str, attempt: int, media: Path
) -> None:
    job = past(status, attempt=attempt)
    files.save_output(job.id, 1, "body", ContentFile(b"stray"))
    assert prune().removed == 1
    assert there(media) == []


def test_a_storage_that_is_away_is_not_tried_for_every_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs, tried = [with_file() for _ in range(6)], list[str]()

    def away(name: str) -> None:
        tried.append(name)
        raise TimeoutError

    monkeypatch.setattr(files, "delete", away)
    assert prune().failed == len(tried) == 3
    assert left() == {job.id for job in jobs}


@pytest.mark.parametrize("make_past", [past, with_file])
def test_a_job_that_another_table_protects_is_kept_whole(
    make_past: Callable[[], Job], media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed, others = make_past(), [past(), past()]
    collect, before = Collector.collect, there(media)

    def protected(collector: Any, found: Any, *args: Any, **options: Any) -> None:
        if any(getattr(each, "pk", None) == needed.pk for each in found):
            raise ProtectedError("an invoice refers to it", {needed})
        collect(collector, found, *args, **options)

    monkeypatch.setattr(Collector, "collect", protected)
    pruning = prune()
    assert (pruning.removed, pruning.failed) == (len(others), 1)
    assert (left(), there(media)) == ({needed.id}, before)


def test_what_the_database_itself_refuses_to_delete_holds_up_no_other() -> None:
    needed, _ = past(), past()
    kind = Job._meta.pk.db_type(connection)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE note (job {kind} REFERENCES pushjobs_job (id))")
        try:
            cursor.execute("INSERT INTO note VALUES (%s)", [needed.id.hex])
            pruning = prune()
            assert (pruning.removed, pruning.failed, left()) == (1, 1, {needed.id})
        finally:
            cursor.execute("DROP TABLE note")


def test_jobs_without_files_go_many_at_a_time() -> None:
    for number in (3, 30):
        for _ in range(number):
            JobTag.objects.create(job=past(), name="batch")
        with CaptureQueriesContext(connection) as made:
            assert prune().removed == number
        deletions = [query["sql"] for query in made if query["sql"].startswith("DELETE")]
        assert len(deletions) == 2  # Tags and jobs.
        assert len(made) < 10
    assert JobTag.objects.count() == 0


def test_passes_at_once_remove_each_job_once() -> None:
    for place in range(40):
        (with_file if place % 4 == 0 else past)()
    removed = in_threads(*[lambda: prune(batch=5).removed] * 4)
    assert sum(removed) == 40
    assert left() == set()


def test_much_is_removed_in_turns_and_the_log_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pushjobs.relay")
    monkeypatch.setattr(relay, "Pruning", partial(Pruning, batch=2))
    monkeypatch.setattr(relay, "_PRUNE_TIME", 0.0)
    for _ in range(5):
        past()
    found = relay.Relay()
    assert [found.prune() for _ in range(4)] == [2, 2, 1, 0]
    ending = "jobs whose retention was over"
    assert caplog.messages == [f"removed {said} {ending}" for said in ("2 of 5", "2 of 3", "1")]


def test_retention_waits_for_its_time_unless_there_is_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, now = relay.Relay(), 1000.0
    monkeypatch.setattr(relay, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now)}))
    monkeypatch.setattr(relay, "_PRUNE_TIME", 0.0)
    monkeypatch.setattr(relay, "Pruning", partial(Pruning, batch=2))
    step = found.threads()[1]._step
    for _ in range(3):
        past()
    step()
    step()
    assert left() == set()
    late = past()
    step()
    assert left() == {late.id}
    now += 61
    step()
    assert left() == set()


@pytest.mark.parametrize("with_commit", [True, False])
def test_the_files_of_a_deleted_user_go_with_their_jobs(media: Path, *, with_commit: bool) -> None:
    ann = get_user_model().objects.create(username="ann")
    with_file(owner=ann)
    before = there(media)
    with transaction.atomic():
        ann.delete()
        transaction.set_rollback(not with_commit)
    assert there(media) == ([] if with_commit else before)


def test_no_file_is_left_of_a_job_that_was_refused_as_its_transaction_ended(
    media: Path, postbox: Postbox, configure: Configure
) -> None:
    configure(ENQUEUE_FALLBACK="reject")
    postbox.down = True
    with pytest.raises(BrokerUnavailable), transaction.atomic():
        submit("test.digest", data=ContentFile(b"data", name="a"))
    assert (left(), there(media)) == (set(), [])


def test_retention_is_read_off_its_index() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # Which reads a table of no rows without an index.
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert "pushjobs_job_expiry" in expired()[:100].explain()
