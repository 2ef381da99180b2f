"""Reads jobs for streams: many asked for in one turn of the loop are one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from channels.db import database_sync_to_async
from django.core.signals import setting_changed

from pushjobs import channels
from pushjobs.batch import Batch
from pushjobs.conf import settings
from pushjobs.cursor import Position
from pushjobs.events import Entry, EventType, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.log import Log, get_log
from pushjobs.models import Job
from pushjobs.queries import JobQuerySet
from pushjobs.schemas import document

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a channel's jobs are like now; ``over`` where it is one job's, and that has ended."""

    entries: Sequence[Entry]
    over: bool


def _load_by_id(keys: list[UUID]) -> dict[UUID, Job]:
    return Job.objects.defer("response_body", "traceback").in_bulk(keys)


def _load_newest(channel: str, limit: int) -> list[Job]:
    kind, owner, *tag = channel.split(":", 2)
    jobs = JobQuerySet(Job).of_owner(owner)
    if kind == channels.TAG:
        jobs = jobs.filter(tag_rows__name=tag[0])
    return list(jobs.defer("response_body", "traceback").order_by("-id")[:limit])


_by_id = database_sync_to_async(_load_by_id, thread_sensitive=False)
_newest_of = database_sync_to_async(_load_newest, thread_sensitive=False)


class JobReader:
    """Loads jobs by id in batches, and makes snapshots of channels."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._jobs = Batch(_by_id, _BATCH)
        self._progress = Batch(log.progress, _BATCH)
        self._heads = Batch(log.heads, _BATCH)

    async def get(self, job_id: UUID) -> Job | None:
        """The job as it is in the database now."""
        return await self._jobs.get(job_id)

    async def head(self, channel: str) -> Position:
        """Where a channel stands; raises ``LogUnavailable``."""
        head = await self._heads.get(channel)
        if head is None:
            raise LogUnavailable("the channel's server is out of reach")
        return head

    async def progress(self, channel: str) -> Entry | None:
        """A job's newest progress in the log; raises ``LogUnavailable``."""
        return await self._progress.get(channel)

    async def snapshot(
        self, channel: str, position: Position, *, recovered: bool | None
    ) -> Snapshot:
        """A ``job.snapshot`` of each job of a channel, the oldest first.

        ``position`` is where the log stood before: what came after it may be told again. A channel
        of many jobs gives the newest ``SNAPSHOT_JOBS``; the last one says whether there are more.
        ``recovered`` is told where it is not None.
        """
        jobs = await self._jobs_of(channel)
        told = jobs[: settings.SNAPSHOT_JOBS]
        progress = await self._progress.get_all(channels.of_job(job.id) for job in told)
        entries = []
        for job, newest in zip(reversed(told), reversed(progress), strict=True):
            data = document(job, progress=newest)
            if recovered is not None:
                data["recovered"] = recovered
            if job is jobs[0] and len(jobs) > settings.SNAPSHOT_JOBS:
                data["more"] = True
            event = job.event(EventType.SNAPSHOT, data)
            entries.append(Entry(Record.of(event, channel, event.body()), position))
        over = channels.kind(channel) == channels.JOB and all(job.over for job in jobs)
        return Snapshot(entries, over)

    async def _jobs_of(self, channel: str) -> Sequence[Job]:
        if channels.kind(channel) == channels.JOB:
            job = await self.get(UUID(channel.partition(":")[2]))
            return [job] if job is not None else []
        newest: Sequence[Job] = await _newest_of(channel, settings.SNAPSHOT_JOBS + 1)
        return newest


@lru_cache(maxsize=1)
def get_reader() -> JobReader:
    """This process's reader."""
    return JobReader(get_log())


def _reset(*, setting: str, **_: object) -> None:
    if setting == "PUSHJOBS":
        get_reader.cache_clear()


setting_changed.connect(_reset)
