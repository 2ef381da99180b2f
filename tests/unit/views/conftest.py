"""A browser whose requests become jobs that run when the test says so."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client
from django.urls import clear_script_prefix, clear_url_caches
from django.utils import timezone, translation
from dramatiq.asyncio import EventLoopThread, set_event_loop_thread

from pushjobs import sending
from pushjobs.models import Job
from tests.unit.conftest import Postbox
from tests.unit.jobs import fresh
from tests.unit.recorder import Recorder


class Browser(Client):
    """A client that can have a request deferred, its job run, and the response fetched."""

    def deferred(self, path: str, method: str = "GET", **options: Any) -> Job:
        """The job that a request has become; it has yet to run."""
        headers = {"prefer": "respond-async", **options.pop("headers", {})}
        accepted = getattr(self, method.lower())(path, headers=headers, **options)
        assert accepted.status_code == 202, accepted.content
        return Job.objects.get(pk=accepted.json()["id"])

    def fetched(self, job: Job) -> Any:
        """What the job's response URL answers, without the threads that it reads jobs in."""
        return self.get(f"/outcome/{job.id}", headers={"accept": "application/json"})

    def answered(self, path: str, method: str = "GET", **options: Any) -> Any:
        """What a request is answered with in the end."""
        job = self.deferred(path, method, **options)
        ended = run(job)
        response = self.fetched(ended)
        response.job = ended
        return response


def run(job: Job) -> Job:
    """Run a job as a worker does, and return it as it is then."""
    sending.run_here(job)
    return fresh(job)


@pytest.fixture(autouse=True)
def _site(settings: Any, tmp_path: Path, recorder: Recorder, postbox: Postbox) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.unit.views.site"
    settings.MEDIA_ROOT = tmp_path / "media"
    clear_url_caches()
    yield
    clear_url_caches()
    clear_script_prefix()
    translation.deactivate()  # Which Django leaves to the thread's next request.
    timezone.deactivate()


@pytest.fixture
def browser() -> Browser:
    """Of no one in particular."""
    return Browser(raise_request_exception=False)


@pytest.fixture
def ada(browser: Browser) -> Browser:
    """The browser of the logged-in user ``ada``."""
    user = get_user_model().objects.create(username="ada")
    browser.force_login(user)
    return browser


@pytest.fixture
def in_thread() -> Callable[[Callable[[], Any]], AbstractContextManager[None]]:
    """Calls a function in a thread, as a worker does; the block ends when it has returned."""

    @contextmanager
    def calling(function: Callable[[], Any]) -> Iterator[None]:
        def call() -> None:
            try:
                function()
            finally:
                connections.close_all()

        events = EventLoopThread(logging.getLogger(__name__))
        events.start()
        set_event_loop_thread(events)
        thread = threading.Thread(target=call)
        thread.start()
        try:
            yield
            thread.join(30)
            assert not thread.is_alive()
        finally:
            set_event_loop_thread(None)
            events.stop()

    return calling
