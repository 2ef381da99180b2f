"""The tasks."""

from __future__ import annotations

import time
from typing import Any

from celery import shared_task
from celery_progress.backend import ProgressRecorder


@shared_task(bind=True)  # type: ignore[untyped-decorator]
def steps(self: Any, count: int, pause: float) -> dict[str, float]:
    """Tells how far it is after each step, as celery-progress's documentation shows."""
    recorder = ProgressRecorder(self)
    for number in range(count):
        time.sleep(pause)
        recorder.set_progress(number + 1, count)
    return {"ended": time.time()}


@shared_task  # type: ignore[untyped-decorator]
def noop() -> None:
    """Nothing."""
