"""Jobs whose retention is over, and what is left after it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile

from pushjobs import files
from pushjobs.models import Job
from tests.unit.jobs import fresh, in_past, make


def past(status: str = "succeeded", name: str = "test.echo", **fields: Any) -> Job:
    """A job whose retention is over."""
    job = make(status, name, **fields)
    in_past(job, expires_at=True, finished_at=True)
    return job


def with_file(name: str = "out/1/body", **fields: Any) -> Job:
    """A job whose retention is over, with a result in the storage."""
    job = past(**fields)
    key = files.storage().save(f"{files.folder_of(job.id)}/{name}", ContentFile(b"result"))
    Job.objects.filter(pk=job.pk).update(response_file=key)
    return fresh(job)


def left() -> set[UUID]:
    """The jobs that there still are."""
    return set(Job.objects.values_list("pk", flat=True))
