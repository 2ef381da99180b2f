"""Runs a claimed job: calls its handler, and ends the attempt with what came of it."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from functools import partial
from threading import current_thread, main_thread
from typing import Any

from django.db import connections

from pushjobs import coroutines, lifecycle, plain
from pushjobs.conf import settings
from pushjobs.context import Run
from pushjobs.exceptions import (
    Cancelled,
    Failed,
    InvalidArguments,
    RequestEnded,
    Superseded,
    UnstorableResult,
)
from pushjobs.lifecycle import Error, error_of
from pushjobs.models import Job
from pushjobs.outage import DATABASE_OUTAGE, outlasting
from pushjobs.publisher import get_publisher
from pushjobs.registry import JobSpec, registry
from pushjobs.results import FailedResponse, StoredResponse, store
from pushjobs.running import (
    Attempt,
    CancelInterrupt,
    Interrupt,
    Shutdown,
    TimeLimitExceeded,
    running,
)
from pushjobs.signature import EXECUTE
from pushjobs.spooling import materialised

logger = logging.getLogger(__name__)

Change = Callable[[Job], bool]

#: Seconds that the end of an attempt waits for its output to be in the log.
_PATIENCE, _SHORT_PATIENCE = 5.0, 0.5


def execute(job: Job) -> None:
    """Run a job that ``lifecycle.start`` has claimed, in this thread, to the end of its attempt."""
    run = Run(job, get_publisher())
    change: Change | None
    with running.entered(job, run) as attempt:
        try:
            with attempt.interruptible():
                value = materialised(_call(registry.get(job.name), job, run))
            change = _success(attempt, value)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and current_thread() is main_thread():
                # A test, or a command, is interrupted. No other thread is, but by its own code.
                _end(attempt, _ending(attempt, Shutdown()), job)
                raise
            change = _ending(attempt, error)
        _end(attempt, change, job)


def settle(attempt: Attempt, reason: type[Interrupt] = Shutdown) -> None:
    """End an attempt whose thread does not; called from another one.

    ``reason`` counts where it was not interrupted for one.
    """
    # Its own copy, as its thread may end it at the same time: one of the two compares and sets.
    job, reason = copy(attempt.job), attempt.reason or reason
    logger.warning("job %s (%s) heeds no interrupt; its thread is lost", job.id, job.name)
    running.drop(attempt)
    _end(attempt, _ending(attempt, reason()), job, patience=_SHORT_PATIENCE)
    attempt.run.supersede()


def _call(spec: JobSpec, job: Job, run: Run) -> Any:
    arguments = spec.arguments(job.args)
    if spec.takes_run:
        arguments["run"] = run
    handler: Callable[..., Any] = spec.handler
    if inspect.isclass(handler):
        handler = getattr(handler(), EXECUTE)
    if not inspect.iscoroutinefunction(handler):
        return handler(**arguments)
    if spec.takes_run:
        _ = run.owner  # Which a coroutine could not query.
    return coroutines.run(handler, **arguments)


def _success(attempt: Attempt, value: Any) -> Change:
    """How to end an attempt whose handler has returned; raises where that is no success."""
    if attempt.reason is not None:
        raise attempt.reason
    if attempt.run.noticed:
        raise Cancelled
    response = store(attempt.job, value)

    def succeed(job: Job) -> bool:
        ended = lifecycle.succeed(job, response, attempt.run.latest)
        if not ended:
            response.discard()
        return ended

    return succeed


def _failure(attempt: Attempt, failed: FailedResponse) -> Change:
    """How to end an attempt whose failure has a response, which is kept where that can be done."""
    error, text = _final(attempt.job, failed), _traceback_of(failed.__cause__ or failed)
    response: StoredResponse | None = None
    if failed.answer is not None:
        with suppress(UnstorableResult):
            response = store(attempt.job, failed.answer)

    def fail(job: Job) -> bool:
        ended = lifecycle.fail(job, error, text, retry=False, response=response)
        if not ended and response is not None:
            response.discard()
        return ended

    return fail


def _ending(attempt: Attempt, error: BaseException) -> Change | None:
    """How to end an attempt that came to an error; None where it does not count any more."""
    if attempt.reason is not None and not isinstance(error, Interrupt):
        error = attempt.reason()  # What the handler made of its interrupt.
    match error:
        case Superseded():
            return None
        case Cancelled() | CancelInterrupt():
            return lifecycle.cancelled
        case Shutdown() if attempt.run.unrepeatable:
            return partial(lifecycle.fail, error=lifecycle.interrupted(), retry=False)
        case Shutdown():
            return partial(lifecycle.release, error=lifecycle.stopped_worker())
        case FailedResponse():
            return _failure(attempt, error)
        case (
            TimeLimitExceeded()
            | Failed()
            | RequestEnded()
            | UnstorableResult()
            | InvalidArguments()
        ):
            return partial(lifecycle.fail, error=_final(attempt.job, error), retry=False)
        case _:
            job = attempt.job
            logger.error("job %s (%s) raised", job.id, job.name, exc_info=error)
            return partial(lifecycle.fail, error=_passing(error), traceback=_traceback_of(error))


def _traceback_of(error: BaseException) -> str:
    return plain.text("".join(traceback.format_exception(error)))


def _final(job: Job, error: BaseException) -> Error:
    """The error of a job that another attempt would not mend."""
    text = plain.text(error)
    match error:
        case TimeLimitExceeded():
            detail = f"the job may run for {job.time_limit:g} seconds"
            return error_of("time-limit", "The job took too long", 504, detail=detail)
        case Failed(status_code=status, members=members):
            members = plain.jsonable(members)
            return error_of("job-failed", "The job failed", status, detail=text, **members)
        case RequestEnded():
            return error.problem()
        case InvalidArguments(errors=errors):
            return error_of("invalid-arguments", error.title, errors=errors)
        case _:
            title = "The job's result cannot be kept"
            return error_of("unstorable-result", title, detail=text)


def _passing(error: BaseException) -> Error:
    """The error of a job that may do better the next time.

    Says which exception it was, and its message only where the settings allow it.
    """
    detail = f"the handler raised {type(error).__name__}"
    if settings.EXPOSE_ERRORS:
        detail += f": {plain.text(error)}"
    return error_of("handler-error", "The job failed", detail=detail)


def _end(attempt: Attempt, change: Change | None, job: Job, patience: float = _PATIENCE) -> None:
    """Make the change that ends an attempt; if it comes too late, nothing more is heard of it.

    The log has to have the attempt's output before: once the end is committed any process may
    announce it, and no output follows an end. ``patience`` is how many seconds it may take.
    """
    _leave_no_transaction()
    if change is not None:
        heard = get_publisher().settle(str(job.id), attempt.run.attempt, patience)
        job.output_lost = not heard
    try:
        ended = change is not None and _persist(change, job)
    except Exception as error:
        logger.exception("the database refuses the result of job %s (%s)", job.id, job.name)
        refused = UnstorableResult(f"the database refuses it ({type(error).__name__})")
        ended = _persist(partial(lifecycle.fail, error=_final(job, refused), retry=False), job)
    if not ended:
        attempt.run.supersede()


def _leave_no_transaction() -> None:
    """Close a connection that a handler has left in a transaction of its own making.

    As Django does at the end of a request. What ends the job would be a part of it, and be lost.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is None or connection.in_atomic_block:
            continue
        if connection.get_autocommit() != connection.settings_dict["AUTOCOMMIT"]:
            connection.close()


def _persist(change: Change, job: Job) -> bool:
    """Make a status change, again where the database is out of reach for a moment.

    If it stays out of reach the lease runs out, and the relay takes the job back.
    """
    try:
        return outlasting(partial(change, job), f"the end of job {job.id}")
    except DATABASE_OUTAGE:
        return False
