"""``manage.py prune_jobs``, and the files without a job that it removes as well."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import transaction

from pushjobs import files, orphans, submit
from pushjobs.models import Job
from tests.unit.jobs import in_past, make
from tests.unit.kept import left, past, with_file

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media", "recorder", "postbox"),
]


def prune(*arguments: str) -> list[str]:
    """What ``manage.py prune_jobs`` says."""
    out = StringIO()
    call_command("prune_jobs", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_without_options_it_does_what_the_relay_does() -> None:
    kept = {make("succeeded").id, past("running").id}
    past()
    with_file(status="failed")
    assert prune("--dry-run") == ["would remove 2 jobs: 1 failed, 1 succeeded"]
    assert prune() == ["removed 2 jobs"]
    assert left() == kept
    assert prune() == ["removed 0 jobs"]
    assert prune("--dry-run") == ["would remove 0 jobs"]


def test_it_says_how_far_it_is() -> None:
    for _ in range(5):
        past()
    assert prune("--batch", "2") == ["removed 2 of 5 jobs", "removed 4 of 5 jobs", "removed 5 jobs"]


def test_older_than_goes_before_the_retention_of_each_job() -> None:
    for_ever, young = make("failed", expires_at=None), make("failed")
    in_past(for_ever, finished_at=True)
    assert prune("--older-than", "1h") == ["removed 0 jobs"]
    assert prune("--older-than", "30s") == ["removed 1 job"]
    assert left() == {young.id}


def test_it_keeps_to_the_statuses_that_it_is_told() -> None:
    past("cancelled")
    kept = past("failed")
    past()
    statuses = ["--status", "succeeded", "--status", "cancelled"]
    assert prune("--dry-run", *statuses) == ["would remove 2 jobs: 1 cancelled, 1 succeeded"]
    assert prune(*statuses) == ["removed 2 jobs"]
    assert left() == {kept.id}


@pytest.mark.parametrize(
    "wrong",
    [
        *("--older-than=yesterday", "--older-than=-1", "--older-than=99999999d", "--older-than="),
        *("--status=running", "--batch=0", "--batch=1001", "--batch=many"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: str) -> None:
    job = past()
    with pytest.raises(CommandError, match=wrong.partition("=")[0]):
        prune(wrong)
    assert left() == {job.id}


def test_it_ends_with_an_error_where_a_job_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> None:
        raise OSError("the disk is read-only")

    stuck = with_file()
    past()
    monkeypatch.setattr(files, "delete", fails)
    with pytest.raises(CommandError, match="some jobs could not be removed"):
        prune("--older-than", "1s", "--batch", "1")
    assert left() == {stuck.id}


@pytest.fixture
def lost() -> Job:
    """A job whose row was rolled back, and whose files are in the storage, beside another's."""
    data = partial(ContentFile, b"data", name="a")
    with transaction.atomic():
        found = submit("test.digest", data=data())
        transaction.set_rollback(True)
    submit("test.digest", data=data())
    for name in ("mine", str(uuid4()), f"{found.id}".upper()):
        files.storage().save(f"{files.FOLDER}/{name}/file", ContentFile(b"not a job's"))
    return found


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock so many seconds ahead."""

    def ahead(seconds: float) -> None:
        clock = {"time": staticmethod(lambda: time.time() + seconds)}
        monkeypatch.setattr(orphans, "time", type("Clock", (), clock))

    return ahead


def folders() -> set[str]:
    return set(files.storage().listdir(files.FOLDER)[0])


def test_files_that_have_no_job_are_removed_when_they_are_a_day_old(
    lost: Job, at: Callable[[float], None]
) -> None:
    before = folders()
    at(orphans.UNDER_WAY - 60)
    assert prune("--orphans")[-1] == "removed the files of 0 jobs without a row"
    at(orphans.UNDER_WAY + 60)
    said = prune("--orphans", "--dry-run")
    assert said[-1] == "would remove the files of 1 job without a row"
    assert folders() == before
    assert prune() == ["removed 0 jobs"]
    assert folders() == before
    assert prune("--orphans")[-1] == "removed the files of 1 job without a row"
    assert folders() == before - {str(lost.id)}


def test_where_no_file_was_ever_kept_there_are_no_orphans() -> None:
    assert prune("--orphans")[-1] == "removed the files of 0 jobs without a row"


def test_a_storage_that_cannot_list_its_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def listdir(storage: Any, name: str) -> None:
        raise NotImplementedError

    monkeypatch.setattr(type(files.storage()), "listdir", listdir)
    with_file()
    with pytest.raises(CommandError, match="the storage cannot list its files"):
        prune("--orphans")
    assert left() == set()
