"""What the server tells of jobs, as frozen values. Members that are not known here are ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pushjobs.status import Status

#: A problem document (RFC 9457, section 3); its ``type`` is ``urn:pushjobs:problem:<slug>``.
Problem = Mapping[str, Any]

TERMINAL_EVENTS = frozenset({"job.succeeded", "job.failed", "job.cancelled"})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is; ``total``, ``percent`` (0 to 100) and ``message`` may not be known."""

    done: float
    total: float | None
    percent: float | None
    message: str | None

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Progress:
        return cls(
            members["done"], members.get("total"), members.get("percent"), members.get("message")
        )


@dataclass(frozen=True, slots=True)
class Job:
    """A job's document (docs/protocol.md). Times are in UTC.

    ``cursor`` is the place that the document stands for; a stream that starts from it misses
    nothing. ``token`` opens this job, and is there after a submission or a retry only.
    """

    id: str
    name: str
    status: Status
    attempt: int
    max_attempts: int
    progress: Progress | None
    result: Any
    error: Problem | None
    tags: tuple[str, ...]
    created_at: datetime
    run_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    links: Mapping[str, str]
    cursor: str | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def over(self) -> bool:
        return self.status.terminal

    @property
    def channel(self) -> str:
        return f"job:{self.id}"

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Job:
        """Raises ``LookupError``, ``TypeError`` or ``ValueError`` where that is no document."""
        progress = document["progress"]
        return cls(
            id=str(document["id"]),
            name=str(document["name"]),
            status=Status(document["status"]),
            attempt=int(document["attempt"]),
            max_attempts=int(document["max_attempts"]),
            progress=None if progress is None else Progress.read(progress),
            result=document["result"],
            error=document["error"],
            tags=tuple(document["tags"]),
            created_at=datetime.fromisoformat(document["created_at"]),
            run_at=_moment(document.get("run_at")),
            started_at=_moment(document.get("started_at")),
            finished_at=_moment(document.get("finished_at")),
            expires_at=_moment(document.get("expires_at")),
            links=dict(document["links"]),
            cursor=document.get("cursor"),
            token=document.get("token"),
        )


@dataclass(frozen=True, slots=True)
class JobList:
    """Some of the caller's jobs, the newest first; ``next`` is the ``after`` for those behind."""

    jobs: tuple[Job, ...]
    next: str | None

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)

    def __len__(self) -> int:
        return len(self.jobs)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a job.

    ``type`` is ``job.started``, ``job.output``…, and may be one that this client does not know;
    ``data`` is what docs/protocol.md lists for it. ``cursor`` is where to go on after it, and None
    where the event does not move the follower.
    """

    channel: str
    job: str
    name: str
    type: str
    attempt: int
    time: datetime
    data: Mapping[str, Any]
    cursor: str | None = None

    @property
    def terminal(self) -> bool:
        """Whether the job is over with it. Nothing follows of this job."""
        if self.type == "job.snapshot":
            return Status(self.data["status"]).terminal
        return self.type in TERMINAL_EVENTS

    @classmethod
    def read(cls, body: Mapping[str, Any], cursor: str | None = None) -> Event:
        """Raises ``LookupError``, ``TypeError`` or ``ValueError`` where that is no event."""
        return cls(
            channel=str(body["channel"]),
            job=str(body["job"]),
            name=str(body["name"]),
            type=str(body["type"]),
            attempt=int(body["attempt"]),
            time=datetime.fromisoformat(body["time"]),
            data=dict(body["data"]),
            cursor=cursor,
        )


#: What reading a document or an event raises where it is none: ``1e999`` is no whole number, and
#: JSON that is nested too deeply is none.
UNREADABLE = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
