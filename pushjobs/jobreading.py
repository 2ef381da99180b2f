"""One job, as the API reads it: its document, where its channel stands, and long waits."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

from pushjobs import access, channels, tokens
from pushjobs.access import Caller
from pushjobs.cursor import EARLIEST, Cursor
from pushjobs.events import Entry
from pushjobs.exceptions import LimitExceeded, LogUnavailable, ServerBusy
from pushjobs.models import Job
from pushjobs.outage import DATABASE_OUTAGE, note_outage
from pushjobs.reader import get_reader
from pushjobs.schemas import document
from pushjobs.tokens import READ
from pushjobs.transports import polling
from pushjobs.transports.admission import admission
from pushjobs.transports.connections import connections

_RETRY = 1.0


async def read_job(caller: Caller, job_id: str) -> tuple[Job, dict[str, Any]]:
    """A job and its document; raises as ``access.job`` does."""
    key = access.job_id(job_id)
    channel = channels.of_job(key)
    reader = get_reader()
    if caller.token is None or not caller.token.covers(channel, READ):
        # Refused first: the log keeps a place for each channel that it is asked for.
        await access.ajob(caller, key, await reader.get(key))
    cursor = await cursor_of(key)
    found, progress = await asyncio.gather(reader.get(key), _progress_of(channel))
    job = await access.ajob(caller, key, found)
    return job, document(job, progress=progress, cursor=cursor)


async def _progress_of(channel: str) -> Entry | None:
    try:
        return await get_reader().progress(channel)
    except LogUnavailable:
        return None


async def cursor_of(job_id: UUID) -> str:
    """Where a job's channel stands; read before the job, so that no event falls in between."""
    channel = channels.of_job(job_id)
    try:
        return Cursor.encode_one(channel, await get_reader().head(channel))
    except LogUnavailable:
        return EARLIEST


async def wait_for_change(caller: Caller, job: Job, timeout: float) -> bool:
    """Wait until something but output happens to a job, up to ``timeout`` seconds.

    Over a limit of connections, and while the server goes away, it does not wait, and returns
    False: to wait is only a preference (RFC 7240, section 4.3).
    """
    try:
        with admission.connection(caller, channels=1):
            await polling.changed(caller, job, timeout)
    except (ServerBusy, LimitExceeded):
        return False
    except LogUnavailable:
        await asyncio.sleep(min(timeout, _RETRY))
    return not connections.draining


async def wait_for_own(job: Job, timeout: float, address: str) -> tuple[Job, bool]:
    """As ``wait_until_over``, for who has just submitted the job, from ``address``.

    While the database is away it does not wait: the job is accepted, whatever becomes of the wait.
    """
    token = tokens.verify(tokens.for_job(job.id))
    try:
        return await wait_until_over(Caller(token=token, address=address), job, timeout)
    except DATABASE_OUTAGE as error:
        note_outage("who waits for a job", error)
        return job, False


async def wait_until_over(caller: Caller, job: Job, timeout: float) -> tuple[Job, bool]:
    """Wait until a job is over, up to ``timeout`` seconds.

    Returns the job as it is then, and false where ``wait_for_change`` did not wait.
    """
    deadline = time.monotonic() + timeout
    while not job.over and (left := deadline - time.monotonic()) > 0:
        waited = await wait_for_change(caller, job, left)
        job = await get_reader().get(job.pk) or job
        if not waited:
            return job, False
    return job, True
