"""The actors: one that does nothing, and one that tells how far it is."""

from __future__ import annotations

import time

import dramatiq
from django.utils import timezone

from benchmarks.peers.plain.models import Report


@dramatiq.actor
def noop(report_id: int) -> None:
    """Writes its row twice: running, then succeeded."""
    reports = Report.objects.filter(pk=report_id)
    reports.update(status="running", started_at=timezone.now())
    reports.update(status="succeeded", finished_at=timezone.now(), result=None)


@dramatiq.actor
def steps(report_id: int, count: int, pause: float) -> None:
    """Writes how far it is after each step, for whoever polls."""
    reports = Report.objects.filter(pk=report_id)
    reports.update(status="running", started_at=timezone.now())
    for number in range(count):
        time.sleep(pause)
        reports.update(percent=100 * (number + 1) / count)
    reports.update(status="succeeded", finished_at=timezone.now(), result={"ended": time.time()})
