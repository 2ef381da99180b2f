"""Hands a queued job to the broker, or runs it where it was submitted."""

from __future__ import annotations

import logging

from pushjobs import broker, execution, lifecycle
from pushjobs.conf import Fallback, settings
from pushjobs.exceptions import BrokerUnavailable
from pushjobs.models import Job
from pushjobs.queries import JobQuerySet
from pushjobs.running import running
from pushjobs.status import Status

logger = logging.getLogger(__name__)


def send(job: Job, fallback: Fallback | None = None) -> None:
    """Hand a queued job to the broker, or do what ``fallback`` or ``ENQUEUE_FALLBACK`` says."""
    if settings.EAGER:
        run_here(job)
        return
    try:
        broker.send(job.id, job.attempt, job.queue)
    except BrokerUnavailable as error:
        logger.warning("job %s is not sent: %s", job.id, error)
        match fallback or settings.ENQUEUE_FALLBACK:
            case "relay":
                JobQuerySet(Job).filter(pk=job.pk, version=job.version).mark_unsent()
            case "inline":
                run_here(job)
            case "reject":
                lifecycle.cancelled(job)  # Its owner's channel has announced it already.
                Job.objects.filter(pk=job.pk, version=job.version).delete()
                raise


def run_here(job: Job) -> None:
    """Run a queued job in this thread, its retries included."""
    while job.status == Status.QUEUED and lifecycle.start(
        job, running.worker, lease=job.time_limit + settings.LEASE
    ):
        execution.execute(job)
        if job.status == Status.SCHEDULED:
            lifecycle.enqueue(job)
