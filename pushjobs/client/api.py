"""Everything that a client can ask, each as a flow."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx

from pushjobs.client.asking import ask, until
from pushjobs.client.credentials import Credentials
from pushjobs.client.documents import UNREADABLE, Job, JobList
from pushjobs.client.endpoint import Endpoint
from pushjobs.client.errors import ClientError, JobCancelled, JobFailed
from pushjobs.client.follower import Follower, Patience
from pushjobs.client.following import follow
from pushjobs.client.ladder import Ladder, Transport
from pushjobs.client.steps import Call, Flow
from pushjobs.status import Status

#: Seconds that a job's response may take to come, which may be large: a deadline bounds it further.
LONGEST_DOWNLOAD = 24 * 3600.0


@dataclass
class Api:
    """An API as one client knows it: where, by what right, over what."""

    endpoint: Endpoint
    credentials: Credentials
    transports: tuple[Transport, ...]
    patience: Patience = field(default_factory=Patience)
    #: The transport that worked last.
    known_good: Transport | None = None

    def submit(
        self,
        name: str,
        args: Mapping[str, Any] | None,
        *,
        parts: Sequence[tuple[str, Any]],
        tags: Sequence[str],
        run_at: datetime | None,
        idempotency_key: str | None,
        wait: float | None,
    ) -> Flow[Job]:
        # With a key the request may be sent again, and is accepted once.
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        seconds = int(wait or 0)
        if seconds:
            headers["Prefer"] = f"wait={seconds}"
        members: dict[str, Any] = {"args": dict(args or {}), "tags": list(tags)}
        if run_at is not None:
            if run_at.tzinfo is None:
                raise ValueError("run_at needs a time zone")
            members["run_at"] = run_at.isoformat()
        call = replace(self._call("POST", self.endpoint.base, seconds), headers=headers)
        if parts:
            form = {key: _field(value) for key, value in members.items()}
            call = replace(call, form={"name": name, **form}, files=tuple(parts))
        else:
            call = replace(call, json={"name": name, **members})
        return _job((yield from ask(call, [self.credentials])))

    def get(self, job: Job | str) -> Flow[Job]:
        """The job as it is now, with the token that is known."""
        call = self._call("GET", self._url(job))
        found = _job((yield from ask(call, self._tokens(job))))
        return replace(found, token=job.token) if isinstance(job, Job) else found

    def find(
        self,
        *,
        status: Status | str | None,
        name: str | None,
        tag: str | None,
        limit: int | None,
        after: str | None,
    ) -> Flow[JobList]:
        wanted = {"status": status, "name": name, "tag": tag, "limit": limit, "after": after}
        params = {key: str(value) for key, value in wanted.items() if value is not None}
        call = replace(self._call("GET", self.endpoint.base), params=params)
        answer = yield from ask(call, [self.credentials])
        try:
            body = answer.json()
            return JobList(tuple(Job.read(item) for item in body["jobs"]), body["next"])
        except UNREADABLE as error:
            raise ClientError("what came is no list of jobs") from error

    def cancel(self, job: Job | str) -> Flow[Job]:
        call = self._call("POST", self._url(job, "cancel"))
        found = _job((yield from ask(call, self._tokens(job))))
        if isinstance(job, Job):
            found = replace(found, token=job.token, cursor=found.cursor or job.cursor)
        return found

    def retry(self, job: Job | str) -> Flow[Job]:
        # A retry makes a new job each time: it is not sent twice.
        call = self._call("POST", self._url(job, "retry"))
        return _job((yield from ask(call, self._tokens(job), tries=1)))

    def follow(
        self,
        job: Job | str,
        cursor: str | None,
        *,
        token: str | None = None,
        deadline: float | None = None,
    ) -> Flow[None]:
        """Tell the events of a job, or of a channel, after a cursor or else the job's own."""
        if isinstance(job, Job):
            channel, cursor = job.channel, cursor or job.cursor
        else:
            channel = job if ":" in job else f"job:{job}"
            if not channel.startswith(("job:", "tag:")) and channel != "user:me":
                raise ValueError(f"a channel is job:<id>, user:me or tag:<name>, not {channel!r}")
        transports = self.transports
        if deadline is not None:
            # Of all, only a stream cannot be left at a given moment.
            transports = tuple(item for item in transports if item is not Transport.SSE)
            transports = transports or (Transport.LONG_POLLING,)
        ladder = Ladder(
            transports, start=self.known_good, clock=time.monotonic, random=random.random
        )
        follower = Follower(
            self.endpoint,
            channel,
            cursor,
            tokens=self._tokens(job, token),
            ladder=ladder,
            patience=self.patience,
            clock=time.monotonic,
            deadline=deadline,
            proven=self._remember,
        )
        yield from follow(follower)

    def response(self, job: Job | str, timeout: float | None) -> Flow[httpx.Response]:
        """What the job produced, whatever its status."""
        deadline = _moment(timeout)
        return until(deadline, self._response(job, deadline))

    def result(self, job: Job | str, timeout: float | None) -> Flow[Any]:
        deadline = _moment(timeout)
        return until(deadline, self._result(job, deadline))

    def _finished(self, job: Job | str, deadline: float | None) -> Flow[Job]:
        """The job once it is over."""
        found = job if isinstance(job, Job) else (yield from self.get(job))
        if not found.over:
            yield from self.follow(found, None, deadline=deadline)
            found = yield from self.get(found)
        if not found.over:
            raise ClientError("the server says that all was told, though the job is not over")
        return found

    def _response(self, job: Job | str, deadline: float | None) -> Flow[httpx.Response]:
        found = yield from self._finished(job, deadline)
        url = self._url(found, "response")
        call = replace(self._call("GET", url), within=LONGEST_DOWNLOAD)
        return (yield from ask(call, self._tokens(found), any_status=True))

    def _result(self, job: Job | str, deadline: float | None) -> Flow[Any]:
        found = yield from self._finished(job, deadline)
        if found.status is Status.FAILED:
            raise JobFailed(found)
        if found.status is Status.CANCELLED:
            raise JobCancelled(found)
        if found.result is not None:
            return found.result
        return content((yield from self._response(found, deadline)))

    def _call(self, method: str, url: str, wait: float = 0) -> Call:
        """A request that the server may hold for so many seconds."""
        return Call(method, url, self.patience.answer + wait, self.patience.reading)

    def _url(self, job: Job | str, *rest: str) -> str:
        job_id = job.id if isinstance(job, Job) else job.removeprefix("job:")
        return self.endpoint.job(job_id, *rest)

    def _tokens(self, job: Job | str, token: str | None = None) -> list[Credentials]:
        """Those that may open a job: its own, then the client's."""
        own = token or (job.token if isinstance(job, Job) else None)
        return [*([Credentials(own, time.time)] if own else []), self.credentials]

    def _remember(self, transport: Transport) -> None:
        self.known_good = transport


def _moment(timeout: float | None) -> float | None:
    """So many seconds from now."""
    return None if timeout is None else time.monotonic() + timeout


def content(answer: httpx.Response) -> Any:
    """A response's content: of JSON the value, of text a ``str``, else ``bytes``."""
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.content:
        return None
    if media_type == "application/json" or media_type.endswith("+json"):
        try:
            return answer.json()
        except UNREADABLE as error:
            raise ClientError("the job's response says that it is JSON, and is not") from error
    return answer.text if media_type.startswith("text/") else answer.content


def _field(value: Any) -> str:
    """A member of a submission as a field of a form: ``args`` and ``tags`` are JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _job(answer: httpx.Response) -> Job:
    try:
        return Job.read(answer.json())
    except UNREADABLE as error:
        raise ClientError("what came is no job's document: is the URL that of the API?") from error
