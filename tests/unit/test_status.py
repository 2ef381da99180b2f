"""``pushjobs.status``: where a job may go."""

from __future__ import annotations

import pytest

from pushjobs.status import ACTIVE, TERMINAL, Status, may_follow

LEGAL = {
    "scheduled": {"queued", "cancelled"},
    "queued": {"running", "cancelled"},
    "running": {"succeeded", "failed", "cancelled", "queued", "scheduled"},
    "succeeded": set(),
    "failed": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize("status", Status)
def test_a_job_goes_only_where_the_protocol_says(status: Status) -> None:
    assert {to for to in Status if may_follow(status, to)} == LEGAL[status]


def test_a_job_that_is_over_goes_nowhere() -> None:
    assert {status for status in Status if not LEGAL[status]} == TERMINAL
    assert {status for status in Status if status.terminal} == TERMINAL
    assert set(Status) == ACTIVE | TERMINAL


def test_from_every_status_a_job_can_end() -> None:
    for status in ACTIVE:
        reached = {status}
        while len(more := reached | {to for at in reached for to in LEGAL[at]}) > len(reached):
            reached = more  # type: ignore[assignment]
        assert reached & TERMINAL == TERMINAL
