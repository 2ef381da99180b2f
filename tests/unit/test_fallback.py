"""``fallback``: what becomes of a job that no broker takes, by submission, by job, by settings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction

from pushjobs import submit
from pushjobs.conf import Fallback
from pushjobs.exceptions import BrokerUnavailable
from pushjobs.models import Job
from pushjobs.registry import registry
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import fresh
from tests.unit.recorder import Recorder

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorder"),
]

OTHER: dict[str, Fallback] = {"relay": "inline", "inline": "reject", "reject": "relay"}


@pytest.fixture(autouse=True)
def _no_broker(postbox: Postbox) -> None:
    postbox.down = True


def declare(monkeypatch: pytest.MonkeyPatch, fallback: Fallback) -> None:
    """Have ``test.echo`` declared with a fallback."""
    spec = replace(registry.get("test.echo"), fallback=fallback)
    monkeypatch.setitem(registry._specs, spec.name, spec)


@pytest.mark.parametrize("level", ["settings", "job", "submission"])
@pytest.mark.parametrize("fallback", ["relay", "inline", "reject"])
def test_the_nearest_word_counts(
    monkeypatch: pytest.MonkeyPatch,
    configure: Configure,
    recorder: Recorder,
    fallback: Fallback,
    level: str,
) -> None:
    others = OTHER[fallback]
    configure(ENQUEUE_FALLBACK=fallback if level == "settings" else others)
    if level == "job":
        declare(monkeypatch, fallback)
    elif level == "submission":
        declare(monkeypatch, others)
    given = fallback if level == "submission" else None
    if fallback == "reject":
        with pytest.raises(BrokerUnavailable):
            submit("test.echo", value=1, fallback=given)
        assert Job.objects.count() == 0
        return
    job = fresh(submit("test.echo", value=1, fallback=given))
    assert job.status == {"relay": "queued", "inline": "succeeded"}[fallback]
    assert job.resend_at is None or job.over


def test_a_job_that_runs_in_place_of_being_sent_does_so_after_its_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declare(monkeypatch, "inline")
    with transaction.atomic():
        job = submit("test.echo", value=1)
        assert fresh(job).status == "queued"
    assert fresh(job).result == 1
