"""The only sender to the broker: a message says that a job waits, by the actor's name.

All messages of a process go through one thread. Dramatiq's RabbitMQ broker opens a connection for
each thread that sends and keeps it, and an ASGI server runs synchronous views in ever new threads.
And whoever submits a job waits no longer than ``PATIENCE``, even if the broker has accepted a
connection and says nothing more: the relay sends later.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, wait
from contextvars import copy_context
from functools import lru_cache, partial
from queue import SimpleQueue
from typing import TypeAlias
from uuid import UUID

import dramatiq
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from dramatiq import broker as dramatiq_broker
from dramatiq.brokers.stub import StubBroker

from pushjobs.exceptions import BrokerUnavailable

ACTOR = "pushjobs.run_job"
#: Seconds that a send may take.
PATIENCE = 2.0
#: Set while a worker of this process takes jobs: no other reads a broker in memory.
attended = threading.Event()

Message: TypeAlias = "dramatiq.Message[None]"


def provide() -> None:
    """Have a broker in memory where the project has none; one process needs no other.

    Raises ``ImproperlyConfigured`` where it is set for an app that is not there to read it.
    """
    if apps.is_installed("django_dramatiq") or dramatiq_broker.global_broker is not None:
        return
    if hasattr(django_settings, "DRAMATIQ_BROKER"):
        raise ImproperlyConfigured(
            "DRAMATIQ_BROKER is set, and nothing reads it: add 'django_dramatiq' to INSTALLED_APPS"
        )
    dramatiq.set_broker(StubBroker(middleware=[]))


def send(job_id: UUID, attempt: int, queue: str) -> None:
    """Tell the workers of ``queue`` that a job waits; raises ``BrokerUnavailable``.

    ``attempt`` is the number of attempts that the job has had, so that a repeated message is known.
    One that is said to have failed may yet arrive.
    """
    if in_memory() and not attended.is_set():
        raise BrokerUnavailable(
            "the broker is in memory, and no worker runs in this process: use manage.py serve, or "
            "for runserver put 'daphne' first in INSTALLED_APPS and set EMBEDDED_THREADS"
        )
    message: Message = dramatiq.Message(
        queue_name=queue, actor_name=ACTOR, args=(str(job_id), attempt), kwargs={}, options={}
    )
    try:
        if in_memory():
            _enqueue(message)
        else:
            _sender().send(message)
    except Exception as error:  # Each broker has errors of its own.
        raise BrokerUnavailable("the broker cannot be reached") from error


def in_memory() -> bool:
    """Whether the broker lives and dies with this process."""
    return isinstance(dramatiq.get_broker(), StubBroker)


def _enqueue(message: Message) -> None:
    broker = dramatiq.get_broker()
    broker.declare_queue(message.queue_name)
    broker.enqueue(message)


class Sender:
    """A thread that enqueues messages one after the other."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[Future[None], partial[None]]] = SimpleQueue()
        self._overdue: Future[None] | None = None
        # A daemon, so that a broker that does not answer cannot keep the process from its end.
        threading.Thread(target=self._work, name="pushjobs-broker", daemon=True).start()

    def send(self, message: Message) -> None:
        """Enqueue a message; raises what the broker raises, and ``TimeoutError``.

        While a message is overdue, others fail at once, so that a broker that hangs costs one
        caller its patience and not all of them.
        """
        if self._overdue is not None and not self._overdue.done():
            raise TimeoutError("the broker has not answered to an earlier message")
        sending: Future[None] = Future()
        self._waiting.put((sending, partial(copy_context().run, _enqueue, message)))
        wait([sending], PATIENCE)
        if not sending.done() and not sending.cancel():
            self._overdue = sending
        if sending.cancelled() or not sending.done():
            raise TimeoutError("the broker does not answer")
        sending.result()

    def _work(self) -> None:
        while True:
            sending, enqueue = self._waiting.get()
            if not sending.set_running_or_notify_cancel():
                continue
            try:
                sending.set_result(enqueue())
            except BaseException as error:
                sending.set_exception(error)


@lru_cache(maxsize=1)
def _sender() -> Sender:
    return Sender()


if hasattr(os, "register_at_fork"):
    # A thread does not live on in a forked process, nor can two processes share a connection.
    os.register_at_fork(after_in_child=_sender.cache_clear)
