"""How long to wait before another try."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST, LONGEST = 1.0, 30.0
#: What a server may ask for at most, lest a slip of it be for ever.
LONGEST_ASKED = 3600.0


def jittered(failures: int, random: Callable[[], float]) -> float:
    """Seconds after so many failures in a row, from 1: full jitter below 1 s, 2 s, … 30 s."""
    return random() * min(LONGEST, FIRST * 2.0 ** min(failures - 1, 16))


def retry_after(text: str | None, now: float) -> float | None:
    """Seconds that a ``Retry-After`` asks for (RFC 9110, section 10.2.3); None if unreadable."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return min(float(text), LONGEST_ASKED)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.fromtimestamp(now, UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_ASKED)
