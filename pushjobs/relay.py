"""The relay: repairs, from the database alone, whatever got stuck.

It enqueues what is due or was lost, announces what was not told, takes jobs from workers that have
fallen silent, and removes what retention is over for. Every change is a compare-and-set, so any
number of relays may run.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from pushjobs import broker, files, lifecycle
from pushjobs.conf import settings
from pushjobs.exceptions import BrokerUnavailable, UnknownJobName
from pushjobs.loopthread import LoopThread
from pushjobs.models import Job, JobQuerySet, from_now
from pushjobs.outage import DATABASE_OUTAGE, note_outage
from pushjobs.publisher import get_publisher
from pushjobs.registry import registry
from pushjobs.running import running
from pushjobs.status import Status

logger = logging.getLogger(__name__)

BATCH = 100
#: Batches that one part does in a round, while there are more.
_ROUNDS = 20
#: A broker is trusted with a job for ``REENQUEUE_AFTER`` seconds, doubled so many times at most.
_MAX_DOUBLINGS = 5
_PRUNE_INTERVAL = 60.0


class Relay:
    """One process's relay loop."""

    def __init__(self) -> None:
        self._pruned = 0.0
        self._patient_until = 0.0

    def step(self) -> None:
        self.round()

    def round(self) -> dict[str, int | None]:
        """One round; a part with very much to do goes on in the next.

        Returns how much each part did, None for one that failed.
        """
        parts = [queue_due, send_lost, announce_untold]
        if time.monotonic() >= self._patient_until:
            parts.insert(0, take_back)
        if time.monotonic() - self._pruned >= _PRUNE_INTERVAL:
            self._pruned = time.monotonic()
            parts.append(prune)
        done = {part.__name__: self._attempt(part) for part in parts}
        self._note_outage(cut_off=None in (done.get("take_back", 0), done["queue_due"]))
        return done

    def thread(self) -> LoopThread:
        return LoopThread("pushjobs-relay", settings.RELAY_INTERVAL, self.step)

    def _note_outage(self, *, cut_off: bool) -> None:
        """While the database was away no one could renew: who lives has a lease's time to do so."""
        if cut_off:
            self._patient_until = math.inf
        elif self._patient_until == math.inf:
            self._patient_until = time.monotonic() + settings.LEASE

    @staticmethod
    def _attempt(part: Callable[[], int]) -> int | None:
        """Part for part, so that one which fails does not hold up the others."""
        done = 0
        try:
            for _ in range(_ROUNDS):
                batch = part()
                done += batch
                if batch < BATCH:
                    break
        except BrokerUnavailable as error:
            logger.warning("the relay tries again: %s", error)
            return None
        except DATABASE_OUTAGE as error:
            note_outage("the relay", error)
            return None
        except Exception:
            logger.exception("the relay could not %s", part.__name__.replace("_", " "))
            return None
        return done


def take_back() -> int:
    """Queue, or fail, the running jobs whose lease has run out."""
    # Where this process itself could not renew in time, its jobs run all the same.
    own = [attempt.job.id for attempt in running.attempts()]
    with _batch(_jobs().abandoned().exclude(pk__in=own).order_by("lease_until")) as jobs:
        return sum(lifecycle.abandon(job, lifecycle.lost_worker()) for job in jobs)


def queue_due() -> int:
    """Queue the scheduled jobs whose time has come."""
    with _batch(_jobs().due().order_by("run_at")) as jobs:
        return sum(lifecycle.enqueue(job) for job in jobs)


def send_lost() -> int:
    """Hand to the broker what it never had, or has had for so long that it may have lost it.

    Each time it is trusted for twice as long, since the job may only wait for its turn. A broker in
    this process's memory loses nothing while the process lives. Raises ``BrokerUnavailable``, when
    some may have been sent.
    """
    lost = _jobs().never_sent() if broker.in_memory() else _jobs().unsent()
    with _batch(lost.order_by("priority", "id")) as jobs:
        claimed = [job for job in jobs if _claim_sending(job)]
    for sent, job in enumerate(claimed):
        try:
            broker.send(job.id, job.attempt, job.queue)
        except BrokerUnavailable:
            unsent = [job.id for job in claimed[sent:]]
            _jobs().filter(pk__in=unsent, status=Status.QUEUED).update(resend_at=None, sends=0)
            raise
    return len(claimed)


def _claim_sending(job: Job) -> int:
    trusted_for = settings.REENQUEUE_AFTER * 2 ** min(job.sends, _MAX_DOUBLINGS)
    mine = _jobs().filter(pk=job.pk, version=job.version, sends=job.sends)
    return mine.update(resend_at=from_now(trusted_for), sends=job.sends + 1)


def announce_untold() -> int:
    """Publish the status of jobs that no one may have been told of; the log refuses what it has."""
    publisher = get_publisher()
    if publisher.backlog >= BATCH:
        return 0  # The log is slow or out of reach: what waits already comes first.
    with _batch(_jobs().unannounced().order_by("announce_at")) as jobs:
        claimed = [job for job in jobs if _claim_announcing(job)]
    for job in claimed:
        publisher.publish(job.announcement(), job.channels())
    return len(claimed)


def _claim_announcing(job: Job) -> int:
    mine = _jobs().filter(pk=job.pk, version=job.version, announce_at=job.announce_at)
    return mine.update(announce_at=from_now(settings.ANNOUNCE_AFTER))


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
    _jobs().filter(status=Status.QUEUED).update(resend_at=None, sends=0)
    taken = 0
    for job in _jobs().filter(status=Status.RUNNING):
        taken += lifecycle.abandon(job, lifecycle.lost_worker())
    return taken


@contextmanager
def _batch(rows: JobQuerySet) -> Iterator[list[Job]]:
    """The next of the rows; where the database can, those that no other relay has in hand.

    Others pass them over until the block ends, instead of losing the race for each.
    """
    if connection.features.has_select_for_update_skip_locked:
        with transaction.atomic():
            yield list(rows.select_for_update(skip_locked=True)[:BATCH])
    else:
        yield list(rows[:BATCH])


def _jobs() -> JobQuerySet:
    return JobQuerySet(Job)


def _file_parameters(job: Job) -> frozenset[str]:
    """Which arguments are files: by the signature, for any other may be made to look like one."""
    try:
        return registry.get(job.name).file_parameters
    except UnknownJobName:
        return frozenset()
