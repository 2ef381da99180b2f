"""``submission.again``: a job of many files, submitted once more."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from pushjobs import InputFile, job, submission, submit
from pushjobs.models import Job
from pushjobs.registry import Registry

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media", "recorder", "postbox"),
]


def merge(tables: list[InputFile]) -> None:
    """A job."""


def content(file: InputFile) -> bytes:
    with file.open() as handle:
        return handle.read()


def test_a_failed_job_of_many_files_is_submitted_once_more_with_copies_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered = Registry()
    for module in ("registry", "submission", "uploads"):
        monkeypatch.setattr(f"pushjobs.{module}.registry", registered)
    uploads = [ContentFile(text, name="a.csv") for text in (b"1", b"2")]
    first = submit(job(name="test.merge")(merge), tables=uploads)
    Job.objects.update(status="failed")
    again = submission.again(Job.objects.get(), owner=None).job
    tables = [InputFile(**one) for one in again.args["tables"]]
    assert [content(table) for table in tables] == [b"1", b"2"]
    assert not {table.key for table in tables} & {one["key"] for one in first.args["tables"]}
