"""The pytest plugin: its fixtures, and that it costs nothing where no one asks for them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable

import pytest

from pushjobs import submit
from pushjobs.models import Job
from pushjobs.testing import AsyncJobClient, CapturedJobs, JobClient, RecordedEvents
from tests.processes import ROOT

pytest_plugins = ["pushjobs.testing.fixtures"]
ECHO = {"name": "test.echo", "args": {"value": [1]}}


@pytest.mark.django_db
def test_jobs_are_captured_told_and_run(
    captured_jobs: CapturedJobs, job_events: RecordedEvents, run_jobs: Callable[[], list[Job]]
) -> None:
    job = submit("test.echo", value=1)
    assert [(each.pk, each.status) for each in captured_jobs] == [(job.pk, "queued")]
    assert [ran.result for ran in run_jobs()] == [1]
    assert job_events.types(job) == ["job.queued", "job.started", "job.succeeded"]


@pytest.mark.django_db
def test_jobs_run_eagerly(eager_jobs: None) -> None:
    job = submit("test.echo", value=1)
    assert Job.objects.get(pk=job.pk).result == 1


@pytest.mark.django_db
def test_a_client_follows(job_client: JobClient) -> None:
    answer = job_client.post("/jobs", ECHO, content_type="application/json")
    assert job_client.follow(answer).json() == [1]


@pytest.mark.django_db(transaction=True)
async def test_an_asynchronous_client_follows(async_job_client: AsyncJobClient) -> None:
    answer = await async_job_client.post("/jobs", ECHO, content_type="application/json")
    assert (await async_job_client.follow(answer)).json() == [1]


def test_the_plugin_is_installed_with_the_package_and_imports_no_django() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [module] = project["entry-points"]["pytest11"].values()
    program = f"import sys, {module}; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
