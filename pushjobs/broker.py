"""The only sender to the broker: a message says that a job waits, by the actor's name."""

from __future__ import annotations

from uuid import UUID

import dramatiq
from dramatiq.brokers.stub import StubBroker

from pushjobs.exceptions import BrokerUnavailable

ACTOR = "pushjobs.run_job"


def send(job_id: UUID, attempt: int, queue: str) -> None:
    """Tell the workers of ``queue`` that a job waits; raises ``BrokerUnavailable``.

    ``attempt`` is the number of attempts that the job has had, so that a repeated message is known.
    """
    broker = dramatiq.get_broker()
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=queue, actor_name=ACTOR, args=(str(job_id), attempt), kwargs={}, options={}
    )
    try:
        broker.declare_queue(queue)
        broker.enqueue(message)
    except Exception as error:  # Each broker has errors of its own.
        raise BrokerUnavailable("the broker cannot be reached") from error


def in_memory() -> bool:
    """Whether the broker lives and dies with this process."""
    return isinstance(dramatiq.get_broker(), StubBroker)
