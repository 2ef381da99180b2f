"""How a job stands, put together from its events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pushjobs.client.documents import Event, Problem, Progress
from pushjobs.status import Status


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as far as its follower knows it.

    ``output`` is what the current attempt has said so far; ``output_complete`` is false where some
    of it may be missing. ``error`` is that of the last attempt until the next one begins.
    """

    status: Status | None = None
    attempt: int = 0
    progress: Progress | None = None
    output: str = ""
    output_complete: bool = True
    result: Any = None
    error: Problem | None = None

    @property
    def over(self) -> bool:
        return self.status is not None and self.status.terminal


_WAITING = frozenset({Status.SCHEDULED, Status.QUEUED})


def reduce(state: JobState, event: Event) -> JobState:
    """The state after an event; ``JobState()`` is the one before the first.

    A snapshot replaces what was known; a later attempt voids what the earlier ones said, and what
    they say afterwards is ignored, as is all that comes after the end.
    """
    if event.type == "job.snapshot":
        return _snapshot(state, event)
    if event.type not in _STEPS or state.over or event.attempt < state.attempt:
        return state
    if event.attempt > state.attempt:
        state = JobState(state.status, event.attempt)
        # Who first hears of an attempt by something else than its beginning has missed some.
        if event.type != "job.started":
            state = replace(state, output_complete=False)
    return _STEPS[event.type](state, event)


def _snapshot(state: JobState, event: Event) -> JobState:
    data = event.data
    status, attempt = Status(data["status"]), int(data["attempt"])
    kept = state.output if attempt == state.attempt and status not in _WAITING else ""
    progress = data["progress"]
    return JobState(
        status,
        attempt,
        None if progress is None else Progress.read(progress),
        kept,
        attempt == 0 or status in _WAITING,
        data["result"],
        data["error"],
    )


def _queued(state: JobState, event: Event) -> JobState:
    waits = event.data.get("run_at") is not None
    status = Status.SCHEDULED if waits else Status.QUEUED
    return JobState(status, event.attempt, error=state.error)


def _started(state: JobState, event: Event) -> JobState:
    # What a snapshot knew of the attempt stands; its output is told from the beginning.
    return replace(state, status=Status.RUNNING, output="", output_complete=True, error=None)


def _progress(state: JobState, event: Event) -> JobState:
    return replace(state, status=Status.RUNNING, progress=Progress.read(event.data))


def _output(state: JobState, event: Event) -> JobState:
    return replace(state, status=Status.RUNNING, output=state.output + event.data["chunk"])


def _retrying(state: JobState, event: Event) -> JobState:
    return JobState(Status.SCHEDULED, event.attempt, error=event.data["error"])


def _ended(state: JobState, event: Event) -> JobState:
    return replace(
        state,
        status=Status(event.type.removeprefix("job.")),
        output_complete=state.output_complete and event.data.get("output_complete", True),
        result=event.data.get("result"),
        error=event.data.get("error"),
    )


_STEPS = {
    "job.queued": _queued,
    "job.started": _started,
    "job.progress": _progress,
    "job.output": _output,
    "job.retrying": _retrying,
    "job.succeeded": _ended,
    "job.failed": _ended,
    "job.cancelled": _ended,
}
