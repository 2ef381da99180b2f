"""Makes the tables, and jobs that run for ever, for clients to follow: ``running COUNT FILE``.

Writes ``[[id, token], …]`` as JSON. A process of its own, with the environment of the product's.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from pushjobs import tokens  # noqa: E402
from pushjobs.models import Job  # noqa: E402
from pushjobs.status import Status  # noqa: E402


def make(count: int) -> list[tuple[str, str]]:
    """So many jobs in their first attempt, whose leases outlive the run."""
    now = timezone.now()
    jobs = Job.objects.bulk_create(
        Job(
            name="bench.followed",
            queue="default",
            status=Status.RUNNING,
            version=2,
            announced=2,
            attempt=1,
            max_attempts=1,
            time_limit=86_400,
            retention=86_400,
            worker="benchmarks",
            started_at=now,
            lease_until=now + timedelta(days=1),
        )
        for _ in range(count)
    )
    return [(str(job.id), tokens.for_job(job.id)) for job in jobs]


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    Path(sys.argv[2]).write_text(json.dumps(make(int(sys.argv[1]))))
