"""The client, for code that blocks."""

from __future__ import annotations

import ssl
from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from pushjobs.client.api import Api
from pushjobs.client.blocking import Blocking
from pushjobs.client.documents import Event, Job, JobList
from pushjobs.client.follower import Patience
from pushjobs.client.options import api_of, http_options
from pushjobs.client.steps import BlockingTokenSource
from pushjobs.client.uploads import Files, opened
from pushjobs.status import Status


class Client:
    """Submits jobs and follows them. It may be shared by threads; close it, or use ``with``.

    ``url`` is the API's, ``https://host/jobs``, or only ``https://host``. ``token`` is a user's
    token, or a function that gets one: called before the first request, again before the token
    expires, and once where it is refused. A job that this client has submitted is opened by the
    token that came with it. ``headers`` go with every request and handshake: a session's ``Cookie``
    with its ``X-CSRFToken``, an ``Authorization`` of the application's own.

    Every method may raise ``Refused`` (the server has refused, and would again) and ``Unreachable``
    (it did not answer, however often it was asked).
    """

    def __init__(
        self,
        url: str,
        *,
        token: BlockingTokenSource | None = None,
        headers: Mapping[str, str] | None = None,
        transports: Sequence[str] = ("websocket", "sse", "polling"),
        patience: Patience | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._api: Api = api_of(url, token, transports, patience)
        self._http = httpx.Client(**http_options(headers, ssl_context))
        self._driver = Blocking(self._http, headers or {}, ssl_context)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept."""
        self._http.close()

    def submit(
        self,
        name: str,
        args: Mapping[str, Any] | None = None,
        *,
        files: Files | None = None,
        tags: Sequence[str] = (),
        run_at: datetime | None = None,
        idempotency_key: str | None = None,
        wait: float | None = None,
    ) -> Job:
        """Submit a job, and get its document, with the token that opens it.

        Each of ``files`` goes under the name of its parameter: a path, bytes, a binary file, or
        ``(name, content)``; a list of these where the parameter takes one. ``wait``: have the
        answer only once the job is over, or after so many seconds. The request is sent again where
        the answer is lost, and accepted once.
        """
        with opened(files or {}) as parts:
            flow = self._api.submit(
                name,
                args,
                parts=parts,
                tags=tags,
                run_at=run_at,
                idempotency_key=idempotency_key,
                wait=wait,
            )
            return self._driver.run(flow)

    def follow(
        self, job: Job | str, *, cursor: str | None = None, token: str | None = None
    ) -> Generator[Event, None, None]:
        """The events of a job, by its document or id, or of ``user:me`` or ``tag:<name>``.

        They begin after ``cursor`` (``earliest`` for all that the server still holds), or where the
        job's document stands; without either, with a snapshot. They end once the job is over. A
        connection that breaks is replaced, over another transport if need be: nothing is lost or
        repeated, and where that cannot be, a ``job.snapshot`` says how the job stands. ``token``
        opens the channel in place of the job's or the client's.
        """
        return self._driver.events(self._api.follow(job, cursor, token=token))

    def result(self, job: Job | str, timeout: float | None = None) -> Any:
        """Wait until the job is over, and get what it returned: JSON, text or bytes.

        Raises ``JobFailed``, ``JobCancelled``, and ``TimeoutError`` after ``timeout`` seconds.
        """
        return self._driver.run(self._api.result(job, timeout))

    def response(self, job: Job | str, timeout: float | None = None) -> httpx.Response:
        """Wait until the job is over, and get the response that it produced, whatever its status.

        Raises ``TimeoutError`` after ``timeout`` seconds.
        """
        return self._driver.run(self._api.response(job, timeout))

    def get(self, job: Job | str) -> Job:
        """The job, or the one of this id, as it is now."""
        return self._driver.run(self._api.get(job))

    def list(
        self,
        *,
        status: Status | str | None = None,
        name: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> JobList:
        """Some of the caller's jobs, the newest first; ``after`` is the ``next`` of a list."""
        flow = self._api.find(status=status, name=name, tag=tag, limit=limit, after=after)
        return self._driver.run(flow)

    def cancel(self, job: Job | str) -> Job:
        """Cancel the job. It may be running still: its handler has yet to be told."""
        return self._driver.run(self._api.cancel(job))

    def retry(self, job: Job | str) -> Job:
        """Submit a failed or cancelled job once more, as a new job.

        The request is never sent twice: where it is lost, ``Unreachable`` is raised.
        """
        return self._driver.run(self._api.retry(job))
