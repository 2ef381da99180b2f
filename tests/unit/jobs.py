"""Rows of jobs, in the status that a test begins with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from pushjobs.models import Job
from pushjobs.status import Status

PAST = timedelta(seconds=-60)
ERROR = {"type": "urn:x", "title": "Failed", "status": 500}


def make(status: str = "queued", name: str = "test.echo", **fields: Any) -> Job:
    """A job as lifecycle would have left it; ``fields`` differ."""
    known: dict[str, Any] = {
        "queue": "default",
        "max_attempts": 3,
        "time_limit": 60,
        "retention": 3600,
        "announced": 1,
    }
    if status == Status.RUNNING:
        lease = timezone.now() + timedelta(seconds=60)
        known |= {"attempt": 1, "version": 2, "worker": "w", "lease_until": lease}
        known |= {"started_at": timezone.now()}
    if Status(status).terminal:
        known |= {"attempt": 1, "version": 3, "announced": 3, "finished_at": timezone.now()}
        known |= {"expires_at": timezone.now() + timedelta(seconds=60)}
    if status == Status.SCHEDULED:
        known["run_at"] = timezone.now() + timedelta(seconds=60)
    return Job.objects.create(status=status, name=name, **(known | fields))


def fresh(job: Job) -> Job:
    """The job as the database has it."""
    return Job.objects.get(pk=job.pk)


def in_past(job: Job, **fields: Any) -> None:
    """Set times of a row to a minute ago."""
    Job.objects.filter(pk=job.pk).update(**{name: timezone.now() + PAST for name in fields})
