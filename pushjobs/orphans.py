"""Files of jobs that have no row: what a crash or a rolled back transaction has left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from pushjobs import files
from pushjobs.models import Job

#: Seconds from a job's making to the latest moment at which its row may still be committed.
UNDER_WAY = 24 * 3600
_BATCH = 500


def find() -> Iterator[UUID]:
    """The jobs that have a folder in the storage and no row, of those made over a day ago.

    A storage that two databases share has the files of both: to this one those of the other's jobs
    are orphans. Raises ``NotImplementedError`` where the storage cannot list its files.
    """
    newest = time.time() - UNDER_WAY
    try:
        folders, _ = files.storage().listdir(files.FOLDER)
    except FileNotFoundError:
        return
    old = (key for name in folders if (key := _job_of(name)) and _made_at(key) < newest)
    while keys := list(islice(old, _BATCH)):
        known = set(Job.objects.filter(pk__in=keys).values_list("pk", flat=True))
        yield from (key for key in keys if key not in known)


def _job_of(folder: str) -> UUID | None:
    """The job whose folder has this name, if any: an id of ours (RFC 9562, section 5.7)."""
    try:
        key = UUID(folder)
    except ValueError:
        return None
    return key if key.version == 7 and str(key) == folder else None


def _made_at(key: UUID) -> float:
    """Seconds since the epoch, which are the first 48 bits of the id."""
    return (key.int >> 80) / 1000
