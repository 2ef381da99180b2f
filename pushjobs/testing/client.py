"""Django's test clients, able to follow an answer to the response that its job gives."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import Resolver404, resolve

from pushjobs.conf import settings
from pushjobs.models import Job
from pushjobs.testing.foreground import foreground, rolled_back
from pushjobs.testing.run import run_jobs
from pushjobs.viewjob import running

#: What of the first request the later ones repeat.
_REPEATED = ("Accept", "Accept-Language", "Authorization")


class JobClient(Client):
    """``django.test.Client`` with ``follow``."""

    def request(self, **request: Any) -> Any:
        with foreground():
            return super().request(**request)

    def follow(self, response: Any, *, until: datetime | None = None) -> Any:
        """The response that the job behind ``response`` gives, once it and all others have run.

        ``response`` is what any URL answered: a 202 with its ``Location``, or a 303 to a job's
        response, of ``POST /jobs``, of an asynchronous view or of an endpoint. One that leads to no
        job is given back as it is, so that a test need not know whether its view is asynchronous.
        ``until`` is passed on to ``run_jobs``. Raises ``AssertionError`` where the job is not over
        when nothing is left to run, and what its view raised, unless the client was made with
        ``raise_request_exception=False``.
        """
        trail = _Trail(response)
        while trail.url is not None:
            with trail.exceptions(raised_here=self.raise_request_exception):
                ran = run_jobs(until=until)
            response = self.get(trail.url, secure=trail.secure, headers=trail.headers)
            trail.take(response, goes_on=bool(ran))
        return response


class AsyncJobClient(AsyncClient):
    """``django.test.AsyncClient`` with ``follow``."""

    async def request(self, **request: Any) -> Any:
        with foreground(alone=await sync_to_async(rolled_back)()):
            return await super().request(**request)

    async def follow(self, response: Any, *, until: datetime | None = None) -> Any:
        """As ``JobClient.follow``."""
        trail = await sync_to_async(_Trail)(response)
        while trail.url is not None:
            with trail.exceptions(raised_here=self.raise_request_exception):
                ran = await sync_to_async(run_jobs)(until=until)
            response = await self.get(trail.url, secure=trail.secure, headers=trail.headers)
            await sync_to_async(trail.take)(response, goes_on=bool(ran))
        return response


class _Trail:
    """Where to ask next for what became of a request; ``url`` is None at the end."""

    def __init__(self, response: Any) -> None:
        synchronous = hasattr(response, "wsgi_request")
        request: HttpRequest = response.wsgi_request if synchronous else response.asgi_request
        self.secure = request.is_secure()
        self.headers = {
            name: request.headers[name] for name in _REPEATED if name in request.headers
        }
        if synchronous:  # The asynchronous client has one host, and would send two.
            self.headers["Host"] = request.get_host()
        self.url: str | None = None
        self._job: str | None = None
        if response.status_code == 202:
            self._read(response)
        elif response.status_code == 303:
            self._job = _job_at("response", response.headers["Location"])
            self.url = response.headers["Location"] if self._job else None

    @contextmanager
    def exceptions(self, *, raised_here: bool) -> Iterator[None]:
        """Raise what the job's view raises in the block, as Django's clients do, if asked to."""
        raised: list[BaseException | None] = []

        def note(*, request: HttpRequest, **_: Any) -> None:
            run = running(request)
            if run is not None and str(run.job_id) == self._job:
                raised.append(sys.exception())

        got_request_exception.connect(note)
        try:
            yield
        finally:
            got_request_exception.disconnect(note)
        if raised_here and raised and raised[0] is not None:
            raise raised[0]

    def take(self, response: Any, *, goes_on: bool) -> None:
        """Note an answer; ``goes_on`` says that jobs have run since the one before."""
        if response.status_code != 202 or self._over():
            self.url = None
        elif not goes_on:
            raise AssertionError(
                f"{self.url} answers 202, and no job is left to run: {self._state()}"
            )
        else:
            self.url = response.headers.get("Location", self.url)

    def _read(self, response: Any) -> None:
        self.url = response.headers.get("Location")
        self._job = _job_at("response", self.url or "")
        if not response.headers["Content-Type"].startswith("application/json"):
            return
        body = response.json()
        if not isinstance(body, dict) or "links" not in body:
            return
        self._job = body["id"]
        if _job_at("job", self.url or ""):  # Where its document is, and not its response.
            self.url = body["links"]["response"]
        if "token" in body:
            self.headers[settings.TOKEN_HEADER] = f"Bearer {body['token']}"

    def _over(self) -> bool:
        job = self._row()
        return job is not None and job.over

    def _state(self) -> str:
        job = self._row()
        if job is None:
            return "there is no such job"
        return f"{job.name} is {job.status}" + (f" for {job.run_at}" if job.run_at else "")

    def _row(self) -> Job | None:
        return None if self._job is None else Job.objects.filter(pk=UUID(self._job)).first()


def _job_at(route: str, url: str) -> str | None:
    """The id of the job whose document (``job``) or ``response`` a URL is, if it is one."""
    try:
        match = resolve(urlsplit(url).path)
    except Resolver404:
        return None
    return match.kwargs["job_id"] if match.view_name == f"pushjobs:{route}" else None
