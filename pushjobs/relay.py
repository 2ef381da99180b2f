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
from functools import partial

from django.db import connections

from pushjobs import broker, lifecycle
from pushjobs.conf import settings
from pushjobs.exceptions import BrokerUnavailable
from pushjobs.loopthread import LoopThread
from pushjobs.models import Job
from pushjobs.outage import DATABASE_OUTAGE, note_outage
from pushjobs.pruning import Pruning
from pushjobs.publisher import get_publisher
from pushjobs.queries import JobQuerySet, from_now
from pushjobs.running import running
from pushjobs.status import Status

logger = logging.getLogger(__name__)

BATCH = 100
#: Batches that one part does in a round, while there are more.
_ROUNDS = 20
#: A broker is trusted with a job for ``REENQUEUE_AFTER`` seconds, doubled so many times at most.
_MAX_DOUBLINGS = 5
#: Seconds between looks at what retention is over for, and how long it may take to remove that
#: before a pause: the database is there for others.
_PRUNE_INTERVAL, _PRUNE_TIME, _PRUNE_PAUSE = 60.0, 2.0, 1.0
#: So many jobs are counted at most, when it is said of how many some were removed.
_COUNTED = 10_000


class Relay:
    """One process's relay: a loop that repairs, and one beside it for retention.

    Storages may be slow, and no other part is to wait for them.
    """

    def __init__(self) -> None:
        self._patient_until = 0.0
        self._prune_at = 0.0

    def step(self) -> None:
        self.repair()

    def round(self) -> dict[str, int | None]:
        """One round of both loops; returns as ``repair`` does."""
        return self.repair() | {"prune": _attempt("prune", self.prune)}

    def repair(self) -> dict[str, int | None]:
        """One round of repairs; a part with very much to do goes on in the next.

        Returns how much each part did, None for one that failed.
        """
        parts = [queue_due, send_lost, announce_untold]
        if time.monotonic() >= self._patient_until:
            parts.insert(0, take_back)
        done = {
            part.__name__: _attempt(part.__name__, partial(_by_batches, part)) for part in parts
        }
        self._note_outage(cut_off=None in (done.get("take_back", 0), done["queue_due"]))
        return done

    def prune(self) -> int:
        """Remove jobs whose retention is over, for some seconds; returns how many."""
        jobs = _jobs().expired().order_by("expires_at")
        pruning = Pruning(jobs)
        finished = pruning.run(_PRUNE_TIME)
        self._prune_at = time.monotonic() + _PRUNE_INTERVAL if finished else 0.0
        if pruning.removed:
            left = 0 if finished else jobs[: _COUNTED + 1].count()
            of = "" if finished else f" of {'over ' * (left > _COUNTED)}{pruning.removed + left}"
            logger.info("removed %d%s jobs whose retention was over", pruning.removed, of)
        return pruning.removed

    def threads(self) -> list[LoopThread]:
        return [
            LoopThread("pushjobs-relay", settings.RELAY_INTERVAL, self.step),
            LoopThread("pushjobs-retention", _PRUNE_PAUSE, self._prune_step),
        ]

    def _prune_step(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + _PRUNE_INTERVAL
        _attempt("prune", self.prune)
        connections.close_all()  # It is seldom needed.

    def _note_outage(self, *, cut_off: bool) -> None:
        """While the database was away no one could renew: who lives has a lease's time to do so."""
        if cut_off:
            self._patient_until = math.inf
        elif self._patient_until == math.inf:
            self._patient_until = time.monotonic() + settings.LEASE


def _attempt(name: str, part: Callable[[], int]) -> int | None:
    """Part for part, so that one which fails does not hold up the others."""
    try:
        return part()
    except BrokerUnavailable as error:
        logger.warning("the relay tries again: %s", error)
    except DATABASE_OUTAGE as error:
        note_outage("the relay", error)
    except Exception:
        logger.exception("the relay could not %s", name.replace("_", " "))
    return None


def _by_batches(part: Callable[[], int]) -> int:
    done = 0
    for _ in range(_ROUNDS):
        batch = part()
        done += batch
        if batch < BATCH:
            break
    return done


def take_back() -> int:
    """Queue, or fail, the running jobs whose lease has run out."""
    # Where this process itself could not renew in time, its jobs run all the same.
    own = [attempt.job.id for attempt in running.attempts()]
    with _jobs().abandoned().exclude(pk__in=own).order_by("lease_until").in_hand(BATCH) as jobs:
        return sum(lifecycle.abandon(job, lifecycle.lost_worker()) for job in jobs)


def queue_due() -> int:
    """Queue the scheduled jobs whose time has come."""
    with _jobs().due().order_by("run_at").in_hand(BATCH) as jobs:
        return sum(lifecycle.enqueue(job) for job in jobs)


def send_lost() -> int:
    """Hand to the broker what it never had, or has had for so long that it may have lost it.

    Each time it is trusted for twice as long, since the job may only wait for its turn. A broker in
    this process's memory loses nothing while the process lives. Raises ``BrokerUnavailable``, when
    some may have been sent.
    """
    if broker.in_memory() and not broker.attended.is_set():
        return 0  # No one here would take it: that is for the relay of the process that does.
    lost = _jobs().never_sent() if broker.in_memory() else _jobs().unsent()
    with lost.order_by("priority", "id").in_hand(BATCH) as jobs:
        claimed = [job for job in jobs if _claim_sending(job)]
    for sent, job in enumerate(claimed):
        try:
            broker.send(job.id, job.attempt, job.queue)
        except BrokerUnavailable:
            unsent = [job.id for job in claimed[sent:]]
            _jobs().filter(pk__in=unsent).mark_unsent()
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
    with _jobs().unannounced().order_by("announce_at").in_hand(BATCH) as jobs:
        claimed = [job for job in jobs if _claim_announcing(job)]
    for job in claimed:
        publisher.publish(job.announcement(), job.channels())
    return len(claimed)


def _claim_announcing(job: Job) -> int:
    mine = _jobs().filter(pk=job.pk, version=job.version, announce_at=job.announce_at)
    return mine.update(announce_at=from_now(settings.ANNOUNCE_AFTER))


def recover() -> int:
    """Take back all that was running or sent, for a process that knows it is the only one."""
    _jobs().mark_unsent()
    taken = 0
    for job in _jobs().filter(status=Status.RUNNING):
        taken += lifecycle.abandon(job, lifecycle.lost_worker())
    return taken


def _jobs() -> JobQuerySet:
    return JobQuerySet(Job)
