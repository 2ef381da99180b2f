"""The lifecycle of a job: the sole writer of status.

Every change is one compare-and-set on (id, status, attempt, version), commits first and is told
afterwards. A function that loses the race changes nothing, tells nothing and returns False.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, JSONField, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from pushjobs import statements
from pushjobs.conf import settings
from pushjobs.exceptions import Conflict
from pushjobs.models import Job, JobTag
from pushjobs.publisher import get_publisher
from pushjobs.queries import from_now
from pushjobs.results import StoredResponse
from pushjobs.status import Status, may_follow
from pushjobs.writing import writing

Error = dict[str, Any]

_UNSENT: dict[str, Any] = {"resend_at": None, "sends": 0}
#: What a change compares.
_SEEN = ("id", "status", "attempt", "version")
#: What running a job, ending it and announcing that takes, beside what its claim knows.
_CLAIMED = (
    *("name", "queue", "owner_id", "tags", "args", "version", "released", "max_attempts"),
    *("time_limit", "retention", "retention_failed", "output_lost"),
)


def announce(job: Job) -> None:
    """Publish the job's status once its transaction has committed."""
    event, channels = job.announcement(), job.channels()
    transaction.on_commit(lambda: get_publisher().publish(event, channels))


def start(job: Job, worker: str, *, lease: float | None = None) -> bool:
    """Claim a queued job for a worker: a new attempt, under a lease of so many seconds."""
    return _change(
        job,
        Status.RUNNING,
        moments={"lease_until": lease or settings.LEASE},
        **_started(job.attempt, worker),
    )


def claim(job_id: UUID, attempt: int, worker: str) -> Job | None:
    """As ``start``, of the job that is queued after so many attempts, in one statement."""
    job = statements.changed(
        {"id": job_id, "status": Status.QUEUED, "attempt": attempt},
        {"status": Status.RUNNING, **_started(attempt, worker)},
        {"lease_until": settings.LEASE, "announce_at": settings.ANNOUNCE_AFTER},
        _CLAIMED,
    )
    if job is not None:
        announce(job)
    return job


def _started(attempt: int, worker: str) -> dict[str, Any]:
    return {
        "attempt": attempt + 1,
        "worker": worker,
        "started_at": timezone.now(),
        "progress": None,
        "error": None,
        "run_at": None,
        "cancel_requested_at": None,
    }


def admit(job: Job, *, delay: timedelta | None = None) -> None:
    """Write a new job with its tags, and announce it: queued, or scheduled where it has ``run_at``.

    ``delay`` is what ``run_at`` was computed from, if anything. A queued one counts as sent, since
    whoever admits it sends it next; a broker that is down takes the mark back.
    """
    job.status = Status.SCHEDULED if job.run_at else Status.QUEUED
    moments = {"announce_at": settings.ANNOUNCE_AFTER}
    if job.status == Status.QUEUED:
        job.sends, moments["resend_at"] = 1, settings.REENQUEUE_AFTER
    elif delay is not None:
        moments["run_at"] = delay.total_seconds()
    # By itself the one statement needs no transaction around it: two round trips less.
    alone = not job.tags and transaction.get_autocommit()
    with writing(), nullcontext() if alone else transaction.atomic():
        statements.insert(job, moments)
        if job.tags:
            JobTag.objects.bulk_create(JobTag(job=job, name=name) for name in job.tags)
    announce(job)


def succeed(job: Job, response: StoredResponse, progress: Any = None) -> bool:
    """End a running attempt with its response."""
    return _end(job, Status.SUCCEEDED, error=None, progress=progress, **response.fields())


def fail(
    job: Job,
    error: Error,
    traceback: str = "",
    *,
    retry: bool = True,
    response: StoredResponse | None = None,
) -> bool:
    """End a running attempt with an error: queue another one, or fail the job for good.

    ``response`` is what the job answers instead of a problem document, where it has failed.
    """
    if retry and job.attempts_left and job.cancel_requested_at is None:
        delay = _backoff(job.attempt - job.released)
        if _change(
            job,
            Status.SCHEDULED,
            moments={"run_at": delay, "lease_until": None},
            unless_asked_to_stop=True,
            run_at=timezone.now() + timedelta(seconds=delay),
            error=error,
            traceback=traceback,
            **_UNSENT,
        ):
            return True
    answer = {} if response is None else response.fields() | {"result": None}
    return _end(job, Status.FAILED, error=error, traceback=traceback, **answer)


def release(job: Job, error: Error) -> bool:
    """Give a running attempt back to the queue at once, without counting it."""
    return _requeue(job, error, released=job.released + 1)


def abandon(job: Job, error: Error) -> bool:
    """Take a job from a worker that has fallen silent."""
    if job.cancel_requested_at is not None:
        return cancelled(job)
    if not job.attempts_left:
        return _end(job, Status.FAILED, error=error)
    return _requeue(job, error)


def enqueue(job: Job) -> bool:
    """Queue a scheduled job whose time has come."""
    return _change(job, Status.QUEUED, run_at=None, **_UNSENT)


def cancel(job: Job) -> bool:
    """Cancel a job that waits, or ask a running one to stop; raises ``Conflict`` when it is over.

    Returns True when the job is cancelled, False when its handler has yet to be told.
    """
    while True:
        if job.status == Status.CANCELLED:
            return True
        if job.over:
            raise Conflict(f"the job has already {job.status}")
        if job.status == Status.RUNNING:
            asked = Job.objects.filter(pk=job.pk, status=Status.RUNNING, attempt=job.attempt)
            if asked.update(cancel_requested_at=Now(), coalesce_key=None):  # No one joins it now.
                return False
        elif cancelled(job):
            return True
        job.refresh_from_db()


def cancelled(job: Job) -> bool:
    """End a job as cancelled."""
    return _end(job, Status.CANCELLED, error=None)


def renew(worker: str, progress: dict[UUID, dict[str, Any] | None]) -> None:
    """Renew a worker's leases and keep the progress of its jobs, in one statement."""
    known = [
        When(pk=pk, then=Value(latest, output_field=JSONField()))
        for pk, latest in progress.items()
        if latest is not None
    ]
    fields: dict[str, Any] = {"lease_until": from_now(settings.LEASE)}
    if known:
        fields["progress"] = Case(*known, default=F("progress"))
    mine = Job.objects.filter(pk__in=progress, worker=worker, status=Status.RUNNING)
    mine.update(**fields)


def standing(worker: str, job_ids: Iterable[UUID]) -> dict[tuple[UUID, int], bool]:
    """Which attempts of a worker still count, by (job, attempt), and whether each is to stop."""
    rows = Job.objects.filter(pk__in=job_ids, worker=worker, status=Status.RUNNING)
    return {
        (pk, attempt): asked is not None
        for pk, attempt, asked in rows.values_list("pk", "attempt", "cancel_requested_at")
    }


def _requeue(job: Job, error: Error, **fields: Any) -> bool:
    queued = _change(
        job,
        Status.QUEUED,
        moments={"lease_until": None},
        unless_asked_to_stop=True,
        error=error,
        run_at=timezone.now(),
        **_UNSENT,
        **fields,
    )
    if queued or job.status != Status.RUNNING:  # Its thread may have ended it meanwhile.
        return queued
    return cancelled(job)


def _end(job: Job, status: Status, **fields: Any) -> bool:
    kept = job.kept_for(status)
    return _change(
        job,
        status,
        moments={"lease_until": None, "expires_at": kept},
        output_lost=job.output_lost,
        finished_at=timezone.now(),
        expires_at=None if kept is None else timezone.now() + timedelta(seconds=kept),
        run_at=None,
        **fields,
    )


def _change(
    job: Job,
    to: Status,
    *,
    moments: statements.Moments = MappingProxyType({}),
    unless_asked_to_stop: bool = False,
    **fields: Any,
) -> bool:
    """Compare and set. ``moments`` are stored by the database's clock, whatever ``fields`` say."""
    if not may_follow(Status(job.status), to):
        return False
    fields |= {"status": to, "version": job.version + 1}
    seen: dict[str, Any] = {name: getattr(job, name) for name in _SEEN}
    seen["status"] = Status(job.status)
    if unless_asked_to_stop:
        seen["cancel_requested_at"] = None
    moments = {"announce_at": settings.ANNOUNCE_AFTER, **moments}
    values = {name: value for name, value in fields.items() if name not in moments}
    if not statements.change(seen, values, moments):
        return False
    for name, value in fields.items():
        setattr(job, name, value)
    announce(job)
    return True


def _backoff(failures: int) -> float:
    """Seconds until the next attempt: exponential, with full jitter."""
    ceiling = min(settings.RETRY_BACKOFF * 2.0 ** (failures - 1), settings.RETRY_BACKOFF_MAX)
    return random.uniform(0, ceiling)


def lost_worker() -> Error:
    return error_of("worker-lost", "The worker that ran the job fell silent")


def stopped_worker() -> Error:
    return error_of("worker-stopped", "The worker that ran the job was stopped")


def interrupted() -> Error:
    detail = "it may have done a part of its work, and is not run again"
    return error_of("interrupted", "The server stopped while the job ran", 503, detail=detail)


def error_of(slug: str, title: str, status: int = 500, **members: Any) -> Error:
    """An error as the job document shows it: a problem document (RFC 9457)."""
    return {
        "type": f"urn:pushjobs:problem:{slug}",
        "title": title,
        "status": status,
        **{name: value for name, value in members.items() if value not in (None, "")},
    }
