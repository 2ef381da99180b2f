"""Prints PostgreSQL's plan for each query that the relay, the API and the admin make.

Run as a process of its own, with ``DATABASE_URL`` naming the database; fills its job table first.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import timedelta
from typing import Any
from uuid import uuid4

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import DateTimeField  # noqa: E402
from django.utils import timezone  # noqa: E402

from pushjobs.models import Job  # noqa: E402
from pushjobs.queries import JobQuerySet  # noqa: E402

#: So many jobs are made, and copied so many times: 100,000 in all.
MADE, COPIES = 4000, 24
ENDED = ("succeeded", "failed", "cancelled")
ACTIVE = ("queued", "scheduled", "running")


def fill() -> Any:
    """A table as it looks in a busy week: nearly all jobs are over, and of a hundred users."""
    users = get_user_model().objects.bulk_create(
        get_user_model()(username=f"user-{number}") for number in range(100)
    )
    now = timezone.now()
    jobs = []
    for number in range(MADE):
        active = number % 500 == 0
        status = ACTIVE[number // 500 % 3] if active else random.choice(ENDED)
        moment = now - timedelta(seconds=MADE - number)
        jobs.append(
            Job(
                name="test.echo",
                queue="default",
                owner=users[number % 100],
                status=status,
                version=3,
                announced=2 if number % 700 == 0 else 3,
                max_attempts=3,
                time_limit=60,
                retention=60,
                created_at=moment,
                announce_at=moment,
                run_at=moment if status == "scheduled" else None,
                lease_until=moment if status == "running" else None,
                expires_at=None if active else moment + timedelta(days=1),
                idempotency_scope=f"user:{number % 100}",
                idempotency_key=str(number),
            )
        )
    Job.objects.bulk_create(jobs)
    with connection.cursor() as cursor:
        copy(cursor)
        cursor.execute(
            "INSERT INTO pushjobs_jobtag (job_id, name) "
            "SELECT id, 'batch-' || row_number() OVER () % 50 FROM pushjobs_job"
        )
        cursor.execute("ANALYZE")
    return users[0]


def copy(cursor: Any) -> None:
    """Copy the jobs into the hours before, by SQL: Django would take minutes for so many."""
    values = {}
    for field in Job._meta.concrete_fields:
        values[field.column] = f'"{field.column}"'
        if isinstance(field, DateTimeField):
            values[field.column] += f" - turn * interval '{MADE} seconds'"
    values["id"] = f"lpad(to_hex(({COPIES} - turn) * {MADE} + place), 32, '0')::uuid"
    values["idempotency_key"] += " || '-' || turn"
    columns = ", ".join(f'"{column}"' for column in values)
    cursor.execute(
        f"INSERT INTO pushjobs_job ({columns}) SELECT {', '.join(values.values())} "
        "FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM pushjobs_job) AS made, "
        f"generate_series(1, {COPIES}) AS turn ORDER BY turn DESC, place"
    )


def plans(user: Any) -> dict[str, str]:
    """The plan of each query, by what it is for."""
    jobs = JobQuerySet(Job)
    own = jobs.of_owner(user.pk)
    queries = {
        "relay: leases that ran out": jobs.abandoned().order_by("lease_until")[:100],
        "relay: jobs that are due": jobs.due().order_by("run_at")[:100],
        "relay: jobs to send": jobs.unsent().order_by("priority", "id")[:100],
        "relay: changes to announce": jobs.unannounced().order_by("announce_at")[:100],
        "relay: retention": jobs.expired().order_by("expires_at")[:100],
        "actor: the most urgent job": jobs.most_urgent("default")[:1],
        "API: one job": jobs.filter(pk=uuid4()),
        "API: many jobs": jobs.filter(pk__in=[uuid4() for _ in range(50)]),
        "API: an idempotency key": jobs.filter(idempotency_scope="user:1", idempotency_key="101"),
        "API: a user's jobs": own.order_by("-id")[:21],
        "API: a user's running jobs": own.filter(status="running").order_by("-id")[:21],
        "API: a user's jobs by tag": own.filter(tag_rows__name="batch-7").order_by("-id")[:21],
        "admin: a user's jobs, who is deleted": jobs.filter(owner__in=[user]).order_by(),
        "heartbeat: standing": jobs.filter(
            pk__in=[uuid4() for _ in range(8)], worker="w", status="running"
        ),
        "admin: the newest jobs": jobs.order_by("-id")[:100],
    }
    return {purpose: query.explain() for purpose, query in queries.items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(plans(fill())))
