"""The clock of one process, set wrong."""

from __future__ import annotations

import datetime
import time

from django.utils import timezone


def shift(seconds: float) -> None:
    """Let this process believe that it is so many seconds later than it is.

    What asks the kernel past Python's ``time.time`` and Django's ``timezone.now`` is not deceived.
    """
    true_time, true_now = time.time, timezone.now

    def shifted_time() -> float:
        return true_time() + seconds

    def shifted_now() -> datetime.datetime:
        return true_now() + datetime.timedelta(seconds=seconds)

    time.time = shifted_time
    timezone.now = shifted_now
