"""``pushjobs.responses``: when a client is told to ask again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pushjobs.models import Job
from pushjobs.responses import retry_after

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "progress", "seconds"),
    [
        ("running", {"percent": 50.0}, 10),  # As long again, asked for ten times.
        ("running", {"percent": 75.0}, 3),
        ("running", {"percent": 99.0}, 1),
        ("running", {"percent": 1.0}, 30),
        ("running", {"percent": None}, 10),
        ("running", None, 10),
        ("scheduled", None, 20),
    ],
)
def test_a_client_is_told_to_ask_again_the_sooner_the_less_is_left(
    monkeypatch: pytest.MonkeyPatch, status: str, progress: dict[str, Any] | None, seconds: int
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    started, due = NOW - timedelta(seconds=100), NOW + timedelta(seconds=20)
    job = Job(status=status, started_at=started, run_at=due)
    assert retry_after(job, progress) == seconds
