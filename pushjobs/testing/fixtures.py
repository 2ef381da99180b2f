"""A pytest plugin, found by pytest where the package is installed.

Nothing of Django is imported before a fixture is asked for: settings come later, and many a run has
none. The fixtures are for tests with access to the database (``django_db``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from pushjobs import testing

if TYPE_CHECKING:
    from pushjobs.models import Job
    from pushjobs.testing import AsyncJobClient, CapturedJobs, JobClient, RecordedEvents


@pytest.fixture
def captured_jobs() -> Iterator[CapturedJobs]:
    """The jobs that the test submits; they are kept from running (``capture_jobs``)."""
    with testing.capture_jobs() as captured:
        yield captured


@pytest.fixture
def eager_jobs() -> Iterator[None]:
    """Jobs run inside ``submit``."""
    with testing.eager_jobs():
        yield


@pytest.fixture
def run_jobs(captured_jobs: CapturedJobs) -> Callable[..., list[Job]]:
    """The function that runs what waits; until then jobs are captured."""
    return testing.run_jobs


@pytest.fixture
def job_events() -> Iterator[RecordedEvents]:
    """What is told of jobs during the test (``record_events``)."""
    with testing.record_events() as recorded:
        yield recorded


@pytest.fixture
def job_client(captured_jobs: CapturedJobs) -> JobClient:
    """Django's client with ``follow``; until it follows, jobs are captured."""
    return testing.JobClient()


@pytest.fixture
def async_job_client(captured_jobs: CapturedJobs) -> AsyncJobClient:
    """Django's asynchronous client with ``follow``; until it follows, jobs are captured."""
    return testing.AsyncJobClient()
