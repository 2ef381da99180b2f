"""Accepts a job: validates it, writes it in one transaction, and enqueues it after the commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.db import IntegrityError, transaction
from django.utils import timezone

from pushjobs import duplicates, files, lifecycle, plain
from pushjobs.conf import Fallback, settings
from pushjobs.exceptions import Conflict, Gone, InvalidArguments
from pushjobs.files import InputFile
from pushjobs.models import Job, new_id
from pushjobs.registry import JobSpec, name_of, registry
from pushjobs.retention import Retention, RetentionOption, retention_of
from pushjobs.sending import send
from pushjobs.status import Status
from pushjobs.uploads import check_uploads, described, keys_of, store_uploads
from pushjobs.uploads import opened as open_uploads

MAX_TAGS, MAX_TAG_LENGTH = 20, 100
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted job, or an earlier one that answers the request as well.

    ``replayed``: its ``Idempotency-Key`` had been used for the same request before. ``joined``: an
    equal request's job is under way, or was kept.
    """

    job: Job
    replayed: bool = False
    joined: bool = False

    @property
    def earlier(self) -> bool:
        """Whether nothing new was accepted."""
        return self.replayed or self.joined


def submit(
    handler: Any,
    args: Mapping[str, Any] | None = None,
    /,
    *,
    owner: Any = None,
    idempotency_key: str | None = None,
    tags: Iterable[str] = (),
    run_at: datetime | None = None,
    delay: timedelta | float | None = None,
    fallback: Fallback | None = None,
    **more_args: Any,
) -> Job:
    """Accept a job, to run once the current transaction has committed.

    ``handler`` is what ``@job`` decorated, or the job's name. Its arguments go by keyword, or in
    the mapping ``args`` where a parameter bears the name of an option. ``delay`` is a timedelta or
    seconds. A file argument is a Django ``File`` or a path. ``fallback`` goes before the job's own
    and ``ENQUEUE_FALLBACK``. Raises ``UnknownJobName``, ``InvalidArguments``,
    ``IdempotencyMismatch``, and ``BrokerUnavailable`` where the fallback is ``"reject"``.
    """
    spec = registry.get(name_of(handler))
    if delay is not None and not isinstance(delay, timedelta):
        delay = timedelta(seconds=delay)
    given = {**(args or {}), **more_args}
    uploads = {name: given.pop(name) for name in spec.file_parameters & given.keys()}
    return accept(
        spec,
        args=given,
        uploads=uploads,
        owner=owner,
        idempotency_key=idempotency_key,
        tags=tags,
        run_at=run_at,
        delay=delay,
        fallback=fallback,
    ).job


asubmit = sync_to_async(submit)


def accept(
    spec: JobSpec,
    *,
    args: Mapping[str, Any],
    uploads: Mapping[str, Any],
    owner: Any = None,
    idempotency_key: str | None = None,
    tags: Iterable[str] = (),
    run_at: datetime | None = None,
    delay: timedelta | None = None,
    job_id: UUID | None = None,
    retry_of: UUID | None = None,
    fingerprint: str | None = None,
    coalesce_key: str | None = None,
    keep: float | None = None,
    queue: str | None = None,
    priority: int | None = None,
    max_attempts: int | None = None,
    time_limit: float | None = None,
    retention: RetentionOption | None = None,
    fallback: Fallback | None = None,
) -> Accepted:
    """Accept a validated request for a job; see ``submit``.

    ``fingerprint`` (64 characters at most) tells the request from others under the same key, where
    its arguments do not. A request with a ``coalesce_key`` (as long) joins a job of the same owner
    with that key that is not over, or has succeeded at most ``keep`` seconds ago; that makes no new
    job. ``queue`` and the rest go before what ``spec`` says.
    """
    job_id = job_id or new_id()
    if owner is not None and not owner.is_authenticated:
        owner = None
    asked_for = run_at if delay is None else delay.total_seconds()
    try:
        if delay is not None:
            run_at = timezone.now() + delay
        run_at = run_at.astimezone(UTC) if run_at else None
    except OverflowError:
        raise InvalidArguments([{"loc": ["run_at"], "msg": "no clock goes that far"}]) from None
    names = _checked_tags(tags)
    check_uploads(spec, uploads)
    kept = _kept(spec.retention, retention)
    with ExitStack() as stack:
        opened = open_uploads(uploads, stack)
        inputs = described(opened)
        model = spec.validate({**args, **inputs})
        job = Job(
            id=job_id,
            name=spec.name,
            queue=queue or spec.queue,
            priority=spec.priority if priority is None else priority,
            owner=owner,
            tags=names,
            args=model.model_dump(mode="json"),
            max_attempts=max_attempts or spec.max_attempts or settings.MAX_ATTEMPTS,
            time_limit=time_limit or spec.time_limit or settings.TIME_LIMIT,
            retention=max(kept.succeeded, keep or 0),
            retention_failed=kept.failed,
            run_at=run_at if run_at and run_at > timezone.now() else None,
            retry_of=retry_of,
            idempotency_scope=f"user:{owner.pk}" if owner is not None else ANONYMOUS,
            idempotency_key=idempotency_key,
            coalesce_key=coalesce_key,
        )
        if why := plain.misfit(job.args):
            raise InvalidArguments([{"loc": ["args"], "msg": f"they hold {why}"}])
        job.fingerprint = fingerprint or _fingerprint(job, asked_for)
        if (known := _known(job, keep)) is not None:
            return known
        stored = store_uploads(job_id, inputs, opened)
    job.args |= stored
    accepted = None
    try:
        accepted = _write(job, delay, keep, fallback or spec.fallback)
    finally:
        if accepted is None or accepted.earlier:
            for key in keys_of(stored, stored):
                files.delete(key)
    return accepted


def again(job: Job, *, owner: Any) -> Accepted:
    """Submit a job that has failed or was cancelled once more, as a new job."""
    if not job.over or job.status == Status.SUCCEEDED:
        raise Conflict("only a job that has failed or was cancelled can be retried")
    spec = registry.get(job.name)
    if spec.allow == "internal":
        raise Conflict("the request that became this job is to be sent again itself")
    uploads = {
        name: [InputFile(**one) for one in kept] if isinstance(kept, list) else InputFile(**kept)
        for name in spec.file_parameters
        if (kept := job.args.get(name)) is not None
    }
    args = {name: value for name, value in job.args.items() if name not in spec.file_parameters}
    try:
        return accept(spec, args=args, uploads=uploads, owner=owner, tags=job.tags, retry_of=job.id)
    except FileNotFoundError:  # Retention removes files before their row.
        raise Gone("the job's files are no longer kept") from None


def _write(
    job: Job, delay: timedelta | None, keep: float | None, fallback: Fallback | None
) -> Accepted:
    for last in (False, False, True):
        try:
            lifecycle.admit(job, delay=delay)
        except IntegrityError:
            known = _known(job, keep)
            if known is not None:
                return known
            if last or job.coalesce_key is None:
                raise
            # The job that stood in the way has ended in between.
        else:
            break
    if job.status == Status.QUEUED:
        transaction.on_commit(partial(send, job, fallback))
    return Accepted(job)


def _known(job: Job, keep: float | None) -> Accepted | None:
    if (found := duplicates.replayed(job)) is not None:
        return Accepted(found, replayed=True)
    if (found := duplicates.joinable(job, keep)) is not None:
        return Accepted(found, joined=True)
    return None


def _kept(*options: RetentionOption | None) -> Retention:
    """How long a job is kept by the settings and these options, of which the later go before."""
    kept: Retention = settings.RETENTION
    for option in options:
        if option is not None:
            kept = retention_of(option, kept)
    return kept


def _fingerprint(job: Job, run_at: datetime | float | None) -> str:
    """Tells two requests apart by what they ask for; files count by their content."""
    asked = [job.name, job.args, sorted(job.tags), run_at]
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _checked_tags(tags: Iterable[str]) -> list[str]:
    names = list(dict.fromkeys(tags))
    if len(names) > MAX_TAGS:
        raise InvalidArguments([{"loc": ["tags"], "msg": f"at most {MAX_TAGS} tags"}])
    for place, name in enumerate(names):
        if not 0 < len(name) <= MAX_TAG_LENGTH or not name.isprintable():
            message = f"a tag is 1 to {MAX_TAG_LENGTH} printable characters"
            raise InvalidArguments([{"loc": ["tags", place], "msg": message}])
    return names
