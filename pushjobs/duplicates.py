"""Earlier jobs that answer a request which is the same: by its key, or by what it asks for."""

from __future__ import annotations

from pushjobs.exceptions import IdempotencyMismatch
from pushjobs.models import Job
from pushjobs.queries import from_now
from pushjobs.status import ACTIVE, Status


def replayed(job: Job) -> Job | None:
    """The job accepted before under the same ``Idempotency-Key``, if any.

    Raises ``IdempotencyMismatch`` where that request asked for something else.
    """
    if job.idempotency_key is None:
        return None
    found = Job.objects.filter(
        idempotency_scope=job.idempotency_scope, idempotency_key=job.idempotency_key
    ).first()
    if found is not None and found.fingerprint != job.fingerprint:
        raise IdempotencyMismatch("the Idempotency-Key belongs to a request with other content")
    return found


def joinable(job: Job, keep: float | None = None) -> Job | None:
    """The job of an equal request that is not over, or has succeeded at most ``keep`` seconds ago.

    One that was asked to stop is not: ``lifecycle.cancel`` has taken its key.
    """
    if job.coalesce_key is None:
        return None
    equal = Job.objects.filter(
        idempotency_scope=job.idempotency_scope, coalesce_key=job.coalesce_key
    )
    found = equal.filter(status__in=ACTIVE).first()
    if found is None and keep is not None:
        recent = equal.filter(status=Status.SUCCEEDED, finished_at__gte=from_now(-keep))
        found = recent.order_by("-finished_at").first()
    return found
