"""Runs the jobs that wait, in the thread of the test."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from pushjobs import lifecycle, sending
from pushjobs.models import Job
from pushjobs.status import Status
from pushjobs.testing.commits import commits
from pushjobs.testing.foreground import foreground

#: Jobs that one call runs: more are taken for jobs that submit each other for ever.
LIMIT = 1000


def run_jobs(*, until: datetime | None = None, check: bool = False) -> list[Job]:
    """Run every job that waits, and those that they submit, until none is left.

    Jobs of one queue run in the order of their priority and age. A retry follows at once, without
    its pause. A scheduled job runs if its time has come by ``until``, or else by Django's
    ``timezone.now()``. What waits for a commit happens as if the test's own transaction were not
    there.

    Returns the jobs that ran, in that order, as the database has them then. With ``check`` raises
    ``AssertionError``, with the traceback, for the first that fails; it does so as well for more
    than ``LIMIT`` jobs. A test that has a worker of its own must not call it.
    """
    ran: list[Job] = []
    with commits(), foreground():
        while (job := _next(until or timezone.now())) is not None:
            if len(ran) == LIMIT:
                raise AssertionError(f"{LIMIT} jobs have run and {job} waits: is there an end?")
            if job.status == Status.SCHEDULED:
                lifecycle.enqueue(job)
            sending.run_here(job)
            job.refresh_from_db()
            ran.append(job)
            if check and job.status == Status.FAILED:
                raise AssertionError(f"{job} failed: {job.error}\n{job.traceback}")
    return ran


def _next(now: datetime) -> Job | None:
    queued = Job.objects.filter(status=Status.QUEUED).order_by("priority", "id").first()
    if queued is not None:
        return queued
    due = Q(run_at__lte=now) | Q(error__isnull=False)  # One with an error is to be retried.
    scheduled = Job.objects.filter(due, status=Status.SCHEDULED)
    return scheduled.order_by("run_at", "id").first()
