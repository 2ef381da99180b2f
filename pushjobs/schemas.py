"""JSON bodies: the job document and its links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.urls import reverse

from pushjobs.events import Entry, rfc3339
from pushjobs.models import Job


def links(job_id: object) -> dict[str, str]:
    """Where a job's representations are, as paths below this server's root."""
    root = reverse("pushjobs:jobs")
    own = f"{root}/{job_id}"
    return {
        "self": own,
        "response": f"{own}/response",
        "events": f"{own}/events",
        "socket": f"{root}/socket",
        "cancel": f"{own}/cancel",
    }


def document(
    job: Job, *, progress: Entry | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """A job's document. ``progress`` is its newest progress in the log, ahead of the row's."""
    return {
        "id": str(job.id),
        "name": job.name,
        "status": job.status,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "progress": newest_progress(job, progress),
        "result": job.result,
        "error": job.error,
        "tags": job.tags,
        "created_at": _text(job.created_at),
        "run_at": _text(job.run_at),
        "started_at": _text(job.started_at),
        "finished_at": _text(job.finished_at),
        "expires_at": _text(job.expires_at),
        "cursor": cursor,
        "links": links(job.id),
    }


def newest_progress(job: Job, entry: Entry | None) -> dict[str, Any] | None:
    """The progress of the job's current attempt, from the log if it is there."""
    if entry is not None and entry.record.attempt == job.attempt and not job.over:
        data: dict[str, Any] = orjson.loads(entry.record.body)["data"]
        return data
    stored: dict[str, Any] | None = job.progress
    return stored


def _text(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
