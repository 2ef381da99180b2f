"""The queries of jobs that the API, the relay and the heartbeat make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import connections, models, router, transaction
from django.db.models.functions import Now

from pushjobs.status import TERMINAL, Status
from pushjobs.writing import writing

if TYPE_CHECKING:
    from pushjobs.models import Job


def from_now(seconds: float) -> Any:
    """A moment ``seconds`` from now by the database's clock, for use in a query."""
    return models.ExpressionWrapper(
        Now() + models.Value(timedelta(seconds=seconds)), output_field=models.DateTimeField()
    )


class JobQuerySet(models.QuerySet["Job"]):
    """The queries of the API, the relay and the heartbeat."""

    def update(self, **fields: Any) -> int:
        with writing():
            return super().update(**fields)

    def delete(self) -> tuple[int, dict[str, int]]:
        with writing():
            return super().delete()

    def of_owner(self, owner_id: Any) -> Self:
        return self.filter(owner_id=owner_id)

    def due(self) -> Self:
        """Scheduled jobs whose time has come."""
        return self.filter(status=Status.SCHEDULED, run_at__lte=Now())

    def abandoned(self) -> Self:
        """Running jobs whose worker has fallen silent."""
        return self.filter(status=Status.RUNNING, lease_until__lt=Now())

    def never_sent(self) -> Self:
        """Queued jobs that the broker has not had."""
        return self.filter(status=Status.QUEUED, resend_at=None)

    def unsent(self) -> Self:
        """Queued jobs that the broker has not had, or has had too long ago to be trusted."""
        overdue = models.Q(resend_at=None) | models.Q(resend_at__lt=Now())
        return self.filter(overdue, status=Status.QUEUED)

    def mark_unsent(self) -> int:
        """Count jobs as never sent, so that the relay sends them at its next step."""
        return self.filter(status=Status.QUEUED).update(resend_at=None, sends=0)

    def unannounced(self) -> Self:
        """Jobs whose last status change no one may have been told of."""
        return self.filter(announced__lt=models.F("version"), announce_at__lt=Now())

    def ended(self) -> Self:
        """Jobs that are over, and whose end was told: no one would learn it from their rows."""
        return self.filter(status__in=TERMINAL, announced__gte=models.F("version"))

    def expired(self) -> Self:
        """Ended jobs whose retention is over."""
        return self.ended().filter(expires_at__lt=Now())

    @contextmanager
    def in_hand(self, limit: int) -> Iterator[list[Job]]:
        """The first of the rows; where the database can, those that no one else has in hand.

        Others pass them over until the block ends, instead of losing the race for each.
        """
        rows = self.using(router.db_for_write(self.model))
        if connections[rows.db].features.has_select_for_update_skip_locked:
            with transaction.atomic(using=rows.db):
                yield list(rows.select_for_update(skip_locked=True)[:limit])
        else:
            yield list(rows[:limit])

    def most_urgent(self, queue: str) -> Self:
        """Queued jobs of one queue, the next to run first."""
        return self.filter(queue=queue, status=Status.QUEUED).order_by("priority", "id")

    def mark_announced(self, versions: dict[UUID, int]) -> None:
        """Note up to which version each job's status was published: a statement per version.

        There are few versions, and Django takes long to compose one ``Case`` of many.
        """
        jobs: defaultdict[int, list[UUID]] = defaultdict(list)
        for job_id, version in versions.items():
            jobs[version].append(job_id)
        for version, ids in jobs.items():
            self.filter(pk__in=ids, announced__lt=version).update(announced=version)
