"""The one Dramatiq actor: claim a job, run its handler, end it.

All of it happens inside the actor and not in middleware hooks, whose exceptions Dramatiq swallows.
Retries, time limits and shutdown are this project's own, so Dramatiq's are off for this actor.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any
from uuid import UUID

import dramatiq
from dramatiq.middleware import CurrentMessage

from pushjobs import execution, lifecycle
from pushjobs.broker import ACTOR
from pushjobs.models import Job
from pushjobs.outage import outlasting
from pushjobs.queries import JobQuerySet
from pushjobs.registry import registry
from pushjobs.running import running

logger = logging.getLogger(__name__)

_OPTIONS: dict[str, Any] = {
    "max_retries": 0,
    "time_limit": float("inf"),
    "notify_shutdown": False,
    "max_age": None,
}


def run_job(job_id: str, attempt: int) -> None:
    """Run the job of a message, or a more urgent one of its queue.

    A message stands for a job that waits, so each message runs one. One that comes twice, or after
    its job was cancelled, finds nothing to claim. While the database is away it is kept here, for
    else a worker would go through all messages of its queue in vain. A process that stops runs
    nothing new, for that may be what it has just given back.
    """
    with running.claiming():
        take = _leave if running.stopping else _claim
        claimed = outlasting(partial(take, job_id, attempt), "a message")
        if claimed is not None:
            execution.execute(claimed)


def _claim(job_id: str, attempt: int) -> Job | None:
    # A message is on its job's queue.
    message = CurrentMessage.get_current_message()
    if message is not None and registry.has_priorities(message.queue_name):
        return _most_urgent(message.queue_name)
    return lifecycle.claim(UUID(job_id), attempt, running.worker)


def _leave(job_id: str, attempt: int) -> None:
    JobQuerySet(Job).filter(pk=job_id, attempt=attempt).mark_unsent()


def _most_urgent(queue: str) -> Job | None:
    while (job := JobQuerySet(Job).most_urgent(queue).first()) is not None:
        if lifecycle.start(job, running.worker):
            return job
    return None


def register(broker: dramatiq.Broker) -> None:
    """Declare the actor with a broker, and every queue that a job may be on."""
    options = {name: value for name, value in _OPTIONS.items() if name in broker.actor_options}
    if ACTOR not in broker.actors:
        dramatiq.actor(actor_name=ACTOR, queue_name="default", broker=broker, **options)(run_job)
    for queue in sorted(registry.queues()):
        broker.declare_queue(queue)
