"""The relay: repairs, from the database alone, whatever got stuck.

It enqueues what is due or was lost, announces what was not told, takes jobs from workers that have
fallen silent, and removes what retention is over for. Every change is a compare-and-set, so any
number of relays may run.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from pushjobs import broker, files, lifecycle
from pushjobs.conf import settings
from pushjobs.exceptions import BrokerUnavailable, UnknownJobName
from pushjobs.loopthread import LoopThread
from pushjobs.models import Job, JobQuerySet, from_now
from pushjobs.publisher import get_publisher
from pushjobs.registry import registry
from pushjobs.running import running

logger = logging.getLogger(__name__)

BATCH = 100
_PRUNE_INTERVAL = 60.0


class Relay:
    """One process's relay loop."""

    def __init__(self) -> None:
        self._pruned = 0.0

    def step(self) -> None:
        """One round; each part does at most a batch, and the next round goes on."""
        for part in (take_back, queue_due, send_lost, announce_untold):
            self._attempt(part)
        if time.monotonic() - self._pruned >= _PRUNE_INTERVAL:
            self._pruned = time.monotonic()
            self._attempt(prune)

    def thread(self) -> LoopThread:
        return LoopThread("pushjobs-relay", settings.RELAY_INTERVAL, self.step)

    @staticmethod
    def _attempt(part: Callable[[], int]) -> None:
        """Part for part, so that one which fails does not hold up the others."""
        try:
            part()
        except Exception:
            logger.exception("the relay could not %s", part.__name__.replace("_", " "))


def take_back() -> int:
    """Queue, or fail, the running jobs whose lease has run out."""
    # Where this process itself could not renew in time, its jobs run all the same.
    own = {attempt.job.id for attempt in running.attempts()}
    return sum(
        lifecycle.abandon(job, lifecycle.lost_worker())
        for job in _jobs().abandoned().order_by("lease_until")[:BATCH]
        if job.id not in own
    )


def queue_due() -> int:
    """Queue the scheduled jobs whose time has come."""
    return sum(lifecycle.enqueue(job) for job in _jobs().due().order_by("run_at")[:BATCH])


def send_lost() -> int:
    """Hand to the broker what it never had, or has had for so long that it may have lost it.

    A broker in this process's memory loses nothing while the process lives.
    """
    sent = 0
    after = math.inf if broker.in_memory() else settings.REENQUEUE_AFTER
    for job in _jobs().unsent(after).order_by("priority", "id")[:BATCH]:
        mine = _jobs().filter(pk=job.pk, version=job.version, enqueued_at=job.enqueued_at)
        if not mine.update(enqueued_at=from_now(0)):
            continue
        try:
            broker.send(job.id, job.attempt, job.queue)
        except BrokerUnavailable:
            _jobs().filter(pk=job.pk, version=job.version).update(enqueued_at=None)
            logger.warning("the broker is out of reach; the relay tries again")
            break
        sent += 1
    return sent


def announce_untold() -> int:
    """Publish the status of jobs that no one may have been told of; the log refuses what it has."""
    jobs = list(_jobs().unannounced(settings.ANNOUNCE_AFTER).order_by("updated_at")[:BATCH])
    for job in jobs:
        get_publisher().publish(job.announcement(), job.channels())
    return len(jobs)


def prune() -> int:
    """Remove ended jobs whose retention is over, with their files."""
    removed = 0
    for job in _jobs().expired().order_by("expires_at")[:BATCH]:
        inputs = [job.args.get(name) for name in _file_parameters(job)]
        keys = [item["key"] for item in inputs if isinstance(item, dict) and "key" in item]
        if _jobs().expired().filter(pk=job.pk).delete()[0]:
            removed += 1
            for key in (*keys, job.response_file):
                if key:
                    files.delete(key)
    return removed


def recover() -> int:
    """Take back all that was running or sent, for a process that knows it is the only one."""
    _jobs().filter(status="queued").update(enqueued_at=None)
    taken = 0
    for job in _jobs().filter(status="running"):
        taken += lifecycle.abandon(job, lifecycle.lost_worker())
    return taken


def _jobs() -> JobQuerySet:
    return JobQuerySet(Job)


def _file_parameters(job: Job) -> frozenset[str]:
    """Which arguments are files: by the signature, for any other may be made to look like one."""
    try:
        return registry.get(job.name).file_parameters
    except UnknownJobName:
        return frozenset()
