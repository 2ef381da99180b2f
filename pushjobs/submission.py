"""Accepts a job: validates it, writes it in one transaction, and enqueues it after the commit."""

from __future__ import annotations

import hashlib
import logging
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

from pushjobs import broker, execution, files, lifecycle, plain
from pushjobs.conf import settings
from pushjobs.exceptions import (
    BrokerUnavailable,
    Conflict,
    IdempotencyMismatch,
    InvalidArguments,
)
from pushjobs.files import InputFile
from pushjobs.models import Job, new_id
from pushjobs.registry import JobSpec, name_of, registry
from pushjobs.running import running
from pushjobs.status import Status
from pushjobs.uploads import check_uploads, open_upload, store_uploads

logger = logging.getLogger(__name__)

MAX_TAGS, MAX_TAG_LENGTH = 20, 100
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted job; ``replayed`` when its key had been used for the same request before."""

    job: Job
    replayed: bool = False


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
    **more_args: Any,
) -> Job:
    """Accept a job, to run once the current transaction has committed.

    ``handler`` is what ``@job`` decorated, or the job's name. Its arguments go by keyword, or in
    the mapping ``args`` where a parameter bears the name of an option. ``delay`` is a timedelta or
    seconds. A file argument is a Django ``File`` or a path. Raises ``UnknownJobName``,
    ``InvalidArguments``, ``IdempotencyMismatch``, and ``BrokerUnavailable`` under
    ``ENQUEUE_FALLBACK = "reject"``.
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
) -> Accepted:
    """Accept a validated request for a job; see ``submit``."""
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
    with ExitStack() as stack:
        opened = {name: stack.enter_context(open_upload(value)) for name, value in uploads.items()}
        inputs = {name: files.describe(name, upload) for name, upload in opened.items()}
        model = spec.validate({**args, **inputs})
        job = Job(
            id=job_id,
            name=spec.name,
            queue=spec.queue,
            priority=spec.priority,
            owner=owner,
            tags=names,
            args=model.model_dump(mode="json"),
            max_attempts=spec.max_attempts or settings.MAX_ATTEMPTS,
            time_limit=spec.time_limit or settings.TIME_LIMIT,
            retention=spec.retention or settings.RETENTION,
            run_at=run_at if run_at and run_at > timezone.now() else None,
            retry_of=retry_of,
            idempotency_scope=f"user:{owner.pk}" if owner is not None else ANONYMOUS,
            idempotency_key=idempotency_key,
        )
        if why := plain.misfit(job.args):
            raise InvalidArguments([{"loc": ["args"], "msg": f"they hold {why}"}])
        job.fingerprint = _fingerprint(job, asked_for)
        if idempotency_key is not None and (known := _known(job)) is not None:
            return known
        stored = store_uploads(job_id, inputs, opened)
    job.args |= {name: file.as_json() for name, file in stored.items()}
    accepted = None
    try:
        accepted = _write(job, delay)
    finally:
        if accepted is None or accepted.replayed:
            for file in stored.values():
                files.delete(file.key)
    return accepted


def again(job: Job, *, owner: Any) -> Accepted:
    """Submit a job that has failed or was cancelled once more, as a new job."""
    if not job.over or job.status == Status.SUCCEEDED:
        raise Conflict("only a job that has failed or was cancelled can be retried")
    spec = registry.get(job.name)
    uploads = {
        name: InputFile(**job.args[name])
        for name in spec.file_parameters
        if job.args.get(name) is not None
    }
    args = {name: value for name, value in job.args.items() if name not in spec.file_parameters}
    return accept(spec, args=args, uploads=uploads, owner=owner, tags=job.tags, retry_of=job.id)


def send(job: Job) -> None:
    """Hand a queued job to the broker, or do what ``ENQUEUE_FALLBACK`` says."""
    if settings.EAGER:
        run_here(job)
        return
    try:
        broker.send(job.id, job.attempt, job.queue)
    except BrokerUnavailable:
        logger.warning("the broker is out of reach for job %s", job.id)
        match settings.ENQUEUE_FALLBACK:
            case "relay":
                Job.objects.filter(pk=job.pk, version=job.version).update(resend_at=None, sends=0)
            case "inline":
                run_here(job)
            case "reject":
                lifecycle.cancelled(job)  # Its owner's channel has announced it already.
                Job.objects.filter(pk=job.pk, version=job.version).delete()
                raise


def run_here(job: Job) -> None:
    """Run a queued job in this thread, its retries included."""
    while job.status == Status.QUEUED and lifecycle.start(
        job, running.worker, lease=job.time_limit + settings.LEASE
    ):
        execution.execute(job)
        if job.status == Status.SCHEDULED:
            lifecycle.enqueue(job)


def _write(job: Job, delay: timedelta | None) -> Accepted:
    try:
        lifecycle.admit(job, delay=delay)
    except IntegrityError:
        known = _known(job) if job.idempotency_key is not None else None
        if known is None:
            raise
        return known
    if job.status == Status.QUEUED:
        transaction.on_commit(partial(send, job))
    return Accepted(job)


def _known(job: Job) -> Accepted | None:
    found = Job.objects.filter(
        idempotency_scope=job.idempotency_scope, idempotency_key=job.idempotency_key
    ).first()
    if found is None:
        return None
    if found.fingerprint != job.fingerprint:
        raise IdempotencyMismatch("the Idempotency-Key belongs to a request with other content")
    return Accepted(found, replayed=True)


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
