"""``pushjobs.api``, where what it answers depends on what happens in between."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.test import AsyncClient, Client

from pushjobs import api, jobreading, lifecycle, tokens
from pushjobs.models import Job
from pushjobs.tokens import READ
from tests.unit.conftest import Postbox
from tests.unit.recorder import Recorder

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_replayed_submission_is_no_older_than_its_cursor(
    postbox: Postbox, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its client would take the end of the job for told, and never learn it."""
    asked = {"path": "/jobs", "data": {"name": "test.echo"}, "content_type": "application/json"}
    headers = {"Idempotency-Key": "a-key-that-is-hard-to-guess"}
    first = await AsyncClient().post(**asked, headers=headers)
    ended: list[UUID] = []
    cursor_of = api.cursor_of

    async def while_the_job_ends(job_id: UUID) -> str:
        for job in await sync_to_async(list)(Job.objects.filter(pk=job_id)):
            ended.append(job.pk)
            assert await sync_to_async(lifecycle.cancelled)(job)
        return await cursor_of(job_id)

    monkeypatch.setattr(api, "cursor_of", while_the_job_ends)
    again = await AsyncClient().post(**asked, headers=headers)
    assert [str(job_id) for job_id in ended] == [first.json()["id"]]
    assert (again.headers["Idempotent-Replayed"], again.json()["status"]) == ("true", "cancelled")


def test_the_log_is_not_asked_for_jobs_that_their_reader_may_not_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It keeps a place for each channel that it is asked for, so anyone could fill it."""
    asked: list[UUID] = []
    monkeypatch.setattr(jobreading, "cursor_of", asked.append)
    own = {"Authorization": f"Bearer {tokens.for_job(uuid4())}"}
    for path in ("/jobs/{}", "/jobs/{}/response"):
        assert Client().get(path.format(uuid4())).status_code == 401
        assert Client().get(path.format(uuid4()), headers=own).status_code == 404
    assert asked == []


def test_the_tokens_of_a_deactivated_user_open_nothing() -> None:
    user: Any = get_user_model().objects.create(username="ann")
    token = tokens.for_user(user.pk, ["user:me"], [READ], 60)
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/jobs", headers=headers).status_code == 200
    user.is_active = False
    user.save()
    refused = Client().get("/jobs", headers=headers)
    assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (401, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"name": "test.unknown"}, 404), ({"name": 5}, 422), ({"name": "test.staff"}, 401)],
    ids=["unknown", "malformed", "not allowed"],
)
def test_a_submission_that_is_refused_opens_no_channel(
    monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], status: int
) -> None:
    """A channel is kept for an hour, and whoever asks could fill the log with them."""

    async def unasked(job_id: UUID) -> str:
        pytest.fail("the log was asked")

    monkeypatch.setattr("pushjobs.api.cursor_of", unasked)
    answer = Client().post("/jobs", body, content_type="application/json")
    assert answer.status_code == status
