"""Probes: a cheap question to each store that shows whether it answers.

Each raises what its store raises, and leaves nothing behind. One that blocks has a thread of its
own, so that a store that hangs holds up one thread and no more, and a connection lasts.
"""

from __future__ import annotations

from asyncio import CancelledError, wrap_future
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import dramatiq
from django.db import Error, OperationalError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from pushjobs.layer import channel_layer
from pushjobs.log import get_log
from pushjobs.models import Job

Probe = Callable[[], Awaitable[None]]

_NO_JOB = UUID(int=0)
#: Enough names that each server of a log on a few is asked; their positions expire like any other.
_LOG_CHANNELS = tuple(f"health:{number}" for number in range(8))
_GROUP = "pushjobs.health"


class Blocking:
    """A probe that blocks, made one to await."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pushjobs-health")

    async def __call__(self) -> None:
        # What runs already cannot be cancelled, and goes on; what waits for the thread can.
        await wrap_future(self._thread.submit(self._ask))


class LayerProbe:
    """Sends a message through the Channels layer to a mailbox of its own; lives on one loop."""

    def __init__(self) -> None:
        self._mailbox: str | None = None

    async def __call__(self) -> None:
        layer = channel_layer()
        if self._mailbox is None:
            # To no one: where it raises, no mailbox is made that no one would ever remove.
            await layer.group_send(_GROUP, {"type": "pushjobs.health"})
            self._mailbox = await layer.new_channel("pushjobs")
        nonce = uuid4().hex
        try:
            await layer.send(self._mailbox, {"type": "pushjobs.health", "nonce": nonce})
            while (await layer.receive(self._mailbox))["nonce"] != nonce:
                pass
        except CancelledError:
            self._mailbox = None  # The layer has removed it.
            raise


def ask_database() -> None:
    """Look a job up that is not there, where jobs are written: the table must be there too."""
    alias = router.db_for_write(Job)
    connection = connections[alias]
    connection.close_if_unusable_or_obsolete()
    try:
        _ask_for_job(connection)
    except Error:  # A connection from before a restart, perhaps.
        connection.close()
        _ask_for_job(connection)
    finally:
        connection.close_if_unusable_or_obsolete()


def _ask_for_job(connection: BaseDatabaseWrapper) -> None:
    """Raises ``OperationalError`` for a server that only reads, as one is after a failover."""
    Job.objects.using(connection.alias).filter(pk=_NO_JOB).exists()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            if cursor.fetchone() == ("on",):
                raise OperationalError("the server is read-only")


async def ask_log() -> None:
    await get_log().heads(_LOG_CHANNELS)


def ask_broker() -> None:
    """Ask on the connection that messages are sent on; a broker in memory is always there.

    By the module's name: which brokers can be imported depends on what is installed. One of another
    kind is not asked.
    """
    broker: Any = dramatiq.get_broker()
    kinds = {kind.__module__ for kind in type(broker).__mro__}
    if "dramatiq.brokers.redis" in kinds:
        broker.client.ping()
    elif "dramatiq.brokers.rabbitmq" in kinds:
        _ask_rabbitmq(broker)


def _ask_rabbitmq(broker: Any) -> None:
    """A call that the server answers and that changes nothing, on this thread's own channel."""
    try:
        broker.channel.basic_qos(prefetch_count=0)
    except Exception:  # A connection that the server has closed, as it does with idle ones.
        del broker.connection
        broker.channel.basic_qos(prefetch_count=0)


# Of the process, where the other two are of an event loop.
_database, _broker = Blocking(ask_database), Blocking(ask_broker)


def probes() -> Mapping[str, Probe]:
    """The probe of each store, for one event loop."""
    return {"database": _database, "layer": LayerProbe(), "log": ask_log, "broker": _broker}
