"""Removes ended jobs with their files, a batch at a time.

Files go before their row: what is interrupted in between is found again by the row, and no file is
left without one. A job that cannot be removed is put off, and does not hold up the others.
"""

from __future__ import annotations

import logging
import math
import time
from functools import partial
from typing import Any

from django.db import IntegrityError, router, transaction
from django.db.models.deletion import Collector
from django.db.models.signals import post_delete
from django.dispatch import receiver

from pushjobs import files
from pushjobs.exceptions import UnknownJobName
from pushjobs.models import Job
from pushjobs.queries import JobQuerySet, from_now
from pushjobs.registry import registry
from pushjobs.status import Status
from pushjobs.uploads import files_of
from pushjobs.writing import writing

logger = logging.getLogger(__name__)

BATCH = 100
#: Seconds for which a job that is being removed, or that could not be, is left to itself.
_PUT_OFF = 3600.0
#: After so many jobs in a row whose files could not be deleted the storage counts as away.
_PATIENCE = 3
#: What a row is asked for; results may be large.
_NEEDED = ("id", "name", "status", "attempt", "args", "response_file")


class Pruning:
    """One pass over ended jobs that are to go; ``removed`` and ``failed`` count them.

    ``jobs`` are in the order in which they go. Any number of passes may be under way at once.
    """

    def __init__(self, jobs: JobQuerySet, *, batch: int = BATCH) -> None:
        self._jobs = jobs
        self._batch = batch
        self._failed: set[Any] = set()
        self._in_vain = 0
        self.removed = 0

    @property
    def failed(self) -> int:
        return len(self._failed)

    def run(self, seconds: float = math.inf) -> bool:
        """Go on for about ``seconds``; returns whether there is no more to do now."""
        deadline = time.monotonic() + seconds
        while not self.step(deadline):
            if time.monotonic() >= deadline:
                return False
        return True

    def step(self, deadline: float = math.inf) -> bool:
        """One batch, or what of it can be begun before ``deadline``; returns as ``run`` does.

        While the storage is away there is no more to do.
        """
        jobs = self._jobs.only(*_NEEDED).exclude(pk__in=self._failed)
        bare, others = list[Job](), list[Job]()
        with jobs.in_hand(self._batch) as found:
            for job in found:
                (others if _may_have_files(job) else bare).append(job)
            if not self._removed_at_once(bare):
                others += bare
        for place, job in enumerate(others):
            if place and time.monotonic() >= deadline:
                return False
            self._remove(job)
            if self._in_vain >= _PATIENCE:
                return True
        return len(found) < self._batch

    def _removed_at_once(self, jobs: list[Job]) -> bool:
        """Remove jobs without files in one short transaction; all, or none where one is needed."""
        if not jobs:
            return True
        try:
            with writing(), transaction.atomic(using=_database()):
                self._delete(jobs)
        except IntegrityError:
            return False
        return True

    def _remove(self, job: Job) -> None:
        """Remove one job with its files, or put it off."""
        key = job.pk
        if not self._jobs.filter(pk=key).update(expires_at=from_now(_PUT_OFF)):
            return  # Another process has it in hand.
        try:
            self._collector([job])  # Before any file is gone.
            if self._files_deleted(job):
                self._delete([job])
        except IntegrityError as error:
            self._put_off(key, error)

    def _files_deleted(self, job: Job) -> bool:
        try:
            files.delete_all(job.id, files_of(job))
        except Exception as error:  # A storage raises whatever its library does.
            self._in_vain += 1
            self._put_off(job.pk, error)
            return False
        self._in_vain = 0
        return True

    def _put_off(self, key: Any, error: Exception) -> None:
        self._failed.add(key)
        why = f"{type(error).__name__}: {error}"
        logger.warning("job %s cannot be removed, and is tried again in an hour: %s", key, why)

    def _delete(self, jobs: list[Job]) -> None:
        with writing():
            _, by_model = self._collector(jobs).delete()
        self.removed += by_model.get(Job._meta.label, 0)  # noqa: SLF001

    def _collector(self, jobs: list[Job]) -> Collector:
        """The jobs and what goes with them; raises ``IntegrityError`` where one is protected."""
        # ``delete_files`` is told by the origin.
        collector = Collector(using=_database(), origin=self)  # type: ignore[arg-type]
        collector.collect(jobs)
        return collector


@receiver(post_delete, sender=Job)
def delete_files(instance: Job, using: str, origin: object = None, **_: object) -> None:
    """Let files go with a row that others delete: with its owner, or since no broker took it."""
    if not isinstance(origin, Pruning) and _may_have_files(instance):
        delete = partial(files.delete_all, instance.id, files_of(instance))
        transaction.on_commit(delete, using=using, robust=True)


def _may_have_files(job: Job) -> bool:
    """Files that no row names are of an attempt that was not the last, or did not succeed."""
    left_some = job.attempt > (1 if job.status == Status.SUCCEEDED else 0)
    return left_some or bool(files_of(job)) or not _is_known(job.name)


def _is_known(name: str) -> bool:
    """Whether its signature says which of a job's arguments are files."""
    try:
        registry.get(name)
    except UnknownJobName:
        return False
    return True


def _database() -> str:
    return router.db_for_write(Job)
