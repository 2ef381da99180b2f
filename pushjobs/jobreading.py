"""One job, as the API reads it: its document, where its channel stands, and long waits."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

from pushjobs import access, channels
from pushjobs.access import Caller
from pushjobs.cursor import EARLIEST, Cursor
from pushjobs.exceptions import LogUnavailable
from pushjobs.log import get_log
from pushjobs.models import Job
from pushjobs.reader import get_reader
from pushjobs.schemas import document
from pushjobs.transports import polling

_RETRY = 1.0


async def read_job(caller: Caller, job_id: str) -> tuple[Job, dict[str, Any]]:
    """A job and its document; raises as ``access.job`` does."""
    key = access.job_id(job_id)
    channel = channels.of_job(key)
    cursor = await cursor_of(key)
    job = access.job(caller, key, await get_reader().get(key))
    try:
        progress = await get_log().progress([channel])
    except LogUnavailable:
        progress = {}
    return job, document(job, progress=progress.get(channel), cursor=cursor)


async def cursor_of(job_id: UUID) -> str:
    """Where a job's channel stands; read before the job, so that no event falls in between."""
    channel = channels.of_job(job_id)
    try:
        heads = await get_log().heads([channel])
    except LogUnavailable:
        return EARLIEST
    return Cursor.encode_one(channel, heads[channel])


async def wait_for_change(caller: Caller, job: Job, timeout: float) -> None:
    """Wait until something but output happens to a job, up to ``timeout`` seconds."""
    try:
        await polling.changed(caller, job, timeout)
    except LogUnavailable:
        await asyncio.sleep(min(timeout, _RETRY))


async def wait_until_over(caller: Caller, job: Job, timeout: float) -> Job:
    """Wait until a job is over, up to ``timeout`` seconds; returns it as it is then."""
    deadline = time.monotonic() + timeout
    while not job.over and (left := deadline - time.monotonic()) > 0:
        await wait_for_change(caller, job, left)
        job = await get_reader().get(job.pk) or job
    return job
