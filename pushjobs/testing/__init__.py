"""For the tests of a project that has jobs: none needs a broker, a worker or a wait.

``capture_jobs`` keeps jobs from running, ``run_jobs`` runs them, ``eager_jobs`` has them run inside
``submit``, ``record_events`` keeps what is told of them, and ``JobClient`` follows an answer to the
response that its job gives. ``JobTestMixin`` is all of it for a Django ``TestCase``;
``pushjobs.testing.fixtures`` is a pytest plugin. Looked up on first use: settings come later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pushjobs.lazynames import looked_up

if TYPE_CHECKING:
    from pushjobs.testing.capture import CapturedJobs, capture_jobs, eager_jobs
    from pushjobs.testing.client import AsyncJobClient, JobClient
    from pushjobs.testing.recorder import RecordedEvents, record_events
    from pushjobs.testing.run import run_jobs
    from pushjobs.testing.testcase import JobTestMixin

__all__ = [
    "AsyncJobClient",
    "CapturedJobs",
    "JobClient",
    "JobTestMixin",
    "RecordedEvents",
    "capture_jobs",
    "eager_jobs",
    "record_events",
    "run_jobs",
]

_HOMES = {
    "AsyncJobClient": "client",
    "CapturedJobs": "capture",
    "JobClient": "client",
    "JobTestMixin": "testcase",
    "RecordedEvents": "recorder",
    "capture_jobs": "capture",
    "eager_jobs": "capture",
    "record_events": "recorder",
    "run_jobs": "run",
}

__getattr__ = looked_up(__name__, _HOMES)
