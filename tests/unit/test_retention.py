"""``pushjobs.retention``: how long an ended job is kept, by the settings and by itself."""

from __future__ import annotations

import math
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from pushjobs import job, lifecycle, submission
from pushjobs.conf import settings
from pushjobs.registry import Registry
from pushjobs.results import StoredResponse
from pushjobs.retention import FOREVER, Retention, retention_of
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import ERROR, fresh, make
from tests.unit.recorder import Recorder

DAY = 24 * 3600.0

ENDS = {
    "succeeded": lambda job: lifecycle.succeed(job, StoredResponse()),
    "failed": lambda job: lifecycle.fail(job, ERROR, retry=False),
    "cancelled": lifecycle.cancelled,
}


def handler() -> None:
    """A job."""


@pytest.mark.parametrize(
    ("option", "succeeded", "failed"),
    [
        (60, 60, 60),
        (0.5, 0.5, 0.5),
        ("forever", FOREVER, FOREVER),
        ({"succeeded": 60, "failed": "forever"}, 60, FOREVER),
        ({"failed": 60}, DAY, 60),
        ({}, DAY, DAY),
    ],
)
def test_it_is_said_for_all_or_by_outcome(option: Any, succeeded: float, failed: float) -> None:
    assert retention_of(option) == Retention(succeeded, failed)


WRONG = [None, 0, -1, math.nan, math.inf, 1e12, True, "60", "ever", [60]]
WRONG += [{"cancelled": 60}, {"failed": 0}, {"failed": None}]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_says_nothing_sensible_is_refused_wherever_it_is_said(
    wrong: Any, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``None`` and 0 too: they might mean for ever, or nothing."""
    monkeypatch.setattr("pushjobs.registry.registry", Registry())
    configure(RETENTION=wrong)
    with pytest.raises(ImproperlyConfigured, match=r"RETENTION.*retention is"):
        _ = settings.RETENTION
    if wrong is not None:  # An option that is not given.
        with pytest.raises(ValueError, match=r"test\.short: retention is"):
            job(name="test.short", retention=wrong)(handler)


@pytest.mark.django_db
def test_a_job_goes_before_the_settings_and_a_submission_before_the_job(
    configure: Configure,
    recorder: Recorder,
    postbox: Postbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs = Registry()
    monkeypatch.setattr("pushjobs.registry.registry", jobs)
    configure(RETENTION={"succeeded": 1, "failed": 2})

    def kept(option: Any, said: Any = None) -> tuple[float, float | None]:
        job(name="test.short", retention=option)(handler)
        spec = jobs.get("test.short")
        row = fresh(submission.accept(spec, args={}, uploads={}, retention=said).job)
        return row.retention, row.retention_failed

    assert kept(None) == (1, 2)
    assert kept({"failed": 3}) == (1, 3)
    assert kept("forever") == (FOREVER, FOREVER)
    assert kept({"failed": 3}, {"succeeded": 4}) == (4, 3)
    assert kept("forever", 5) == (5, 5)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "seconds"), [("succeeded", 100), ("failed", 200), ("cancelled", 200)]
)
def test_an_end_says_when_the_job_goes(status: str, seconds: int, recorder: Recorder) -> None:
    row = make("running", retention=100, retention_failed=200)
    assert ENDS[status](row)
    for seen in (row, fresh(row)):
        assert seen.expires_at is not None
        assert seen.finished_at is not None
        kept = (seen.expires_at - seen.finished_at).total_seconds()
        assert seconds - 10 < kept < seconds + 10


@pytest.mark.django_db
@pytest.mark.parametrize("status", ENDS)
def test_what_is_kept_for_ever_never_expires(status: str, recorder: Recorder) -> None:
    row = make("running", retention=FOREVER)
    assert ENDS[status](row)
    assert (fresh(row).status, fresh(row).expires_at) == (status, None)
