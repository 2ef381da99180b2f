"""What a Django ``TestCase`` of a project with jobs needs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pushjobs.models import Job
from pushjobs.testing.capture import CapturedJobs, capture_jobs, eager_jobs
from pushjobs.testing.client import AsyncJobClient, JobClient
from pushjobs.testing.recorder import RecordedEvents, record_events
from pushjobs.testing.run import run_jobs

if TYPE_CHECKING:
    from django.test import SimpleTestCase as _TestCase
else:
    _TestCase = object


class JobTestMixin(_TestCase):
    """``class OrderTests(JobTestMixin, TestCase)``: no test of it sends a job to a broker.

    ``self.jobs`` has the jobs that were submitted, ``self.events`` what was told of them,
    ``self.run_jobs()`` runs them, and ``self.client`` and ``self.async_client`` can ``follow``.
    With ``eager = True`` each job runs inside ``submit`` instead, and ``self.jobs`` is empty.
    """

    client_class = JobClient
    async_client_class = AsyncJobClient
    #: Whether jobs run inside ``submit``.
    eager = False
    jobs: CapturedJobs
    events: RecordedEvents

    def setUp(self) -> None:
        super().setUp()
        self.events = self.enterContext(record_events())
        if self.eager:
            self.jobs = CapturedJobs()
            self.enterContext(eager_jobs())
        else:
            self.jobs = self.enterContext(capture_jobs())

    def run_jobs(self, *, until: datetime | None = None, check: bool = False) -> list[Job]:
        """Run the jobs that wait; see ``pushjobs.testing.run_jobs``."""
        return run_jobs(until=until, check=check)
