"""``after`` and ``Prefer: wait``: an answer at once where the job is over in time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, connections
from django.test import AsyncClient, Client

from pushjobs import deferral, loop
from pushjobs.models import Job
from pushjobs.reader import JobReader
from pushjobs.testing import run_jobs
from tests.unit.conftest import Postbox

pytestmark = [pytest.mark.django_db(transaction=True)]

HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.unit.deferred_views"


def run_jobs_apart() -> None:
    """In a thread whose connections no one else would close."""
    try:
        run_jobs()
    finally:
        connections.close_all()


class Clock:
    """Time that passes only by sleeping; at its ``runs_at``-th sleep the jobs run."""

    def __init__(self, runs_at: int) -> None:
        self.now, self.sleeps, self._runs_at = 0.0, 0, runs_at

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps += 1
        if self.sleeps == self._runs_at:
            run_jobs()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(runs_at=3)
    time = SimpleNamespace(monotonic=found.monotonic, sleep=found.sleep)
    monkeypatch.setattr(deferral, "time", time)
    return found


@pytest.mark.usefixtures("postbox")
@pytest.mark.parametrize("headers", [{}, HTML])
def test_without_an_event_loop_the_job_is_looked_at_until_it_is_over(
    clock: Clock, headers: dict[str, str]
) -> None:
    answer = Client().get("/soon?a=1", headers=headers)
    direct = Client().get("/plain?a=1")
    assert (answer.status_code, answer["X-Kind"]) == (direct.status_code, direct["X-Kind"])
    assert answer.content == direct.content
    assert "Prefer" in answer["Vary"]
    assert "Preference-Applied" not in answer
    assert clock.sleeps == 3


@pytest.mark.usefixtures("postbox")
def test_a_clients_wait_goes_before_the_views_and_is_said_to_be_applied(clock: Clock) -> None:
    prefer = {"Prefer": "respond-async, wait=1"}
    answer = Client().get("/preferred", headers=prefer)
    assert (answer.status_code, answer["Preference-Applied"]) == (203, "wait=1")
    clock.now, clock.sleeps = 0.0, 10  # No job runs any more.
    answer = Client().get("/soon", headers=prefer)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer["Preference-Applied"] == "respond-async, wait=1"
    assert clock.now == pytest.approx(1)


@pytest.mark.usefixtures("postbox")
def test_who_waits_no_longer_is_told_where_to_look(clock: Clock) -> None:
    clock.sleeps = 10
    answer = Client().get("/at-once-or-later")
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer
    assert Client().get("/at-once-or-later", headers=HTML).status_code == 303


@pytest.mark.usefixtures("postbox", "clock")
def test_who_waits_while_the_database_goes_away_is_told_that_the_job_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Job.objects, "defer", Mock(side_effect=OperationalError("away")))
    answer = Client().get("/soon")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")


@pytest.mark.usefixtures("postbox", "_served_here")
async def test_on_an_event_loop_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobReader, "get", AsyncMock(side_effect=OperationalError("away")))
    for path, prefer in [("/soon-async", ""), ("/preferred", "respond-async, wait=5")]:
        answer = await AsyncClient().get(path, headers={"Prefer": prefer})
        assert (answer.status_code, answer.json()["status"]) == (202, "queued")
        assert "wait" not in answer.get("Preference-Applied", "")


@pytest.mark.usefixtures("postbox")
def test_a_job_that_begins_after_a_commit_is_not_waited_for_before_it(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view of a class is in the request's transaction, and its decorated method with it."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    answer = Client().post("/methods", headers={"Prefer": "wait=5"})
    assert (answer.status_code, clock.sleeps) == (202, 0)
    assert "Preference-Applied" not in answer
    assert Job.objects.get().status == "queued"


@pytest.fixture
async def _served_here() -> None:
    """As a server does when it starts."""
    loop.bind(asyncio.get_running_loop())


@pytest.mark.usefixtures("postbox")
def test_a_view_that_is_put_off_whole_is_waited_for_even_with_atomic_requests(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert Client().get("/soon").status_code == 203
    assert clock.sleeps == 3


@pytest.mark.usefixtures("_served_here")
@pytest.mark.parametrize("path", ["/soon?a=1", "/soon-async?a=1"])
async def test_on_an_event_loop_the_hub_says_when_it_is_over(
    path: str, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferral, "time", None)  # No one need look.

    async def work() -> None:
        while not postbox.messages:
            await asyncio.sleep(0.01)
        await sync_to_async(run_jobs_apart, thread_sensitive=False)()

    answer, _ = await asyncio.gather(AsyncClient().get(path), work())
    assert (answer.status_code, answer["X-Kind"]) == (203, "echo")
    assert answer.content == (await AsyncClient().get("/plain?a=1")).content


@pytest.mark.usefixtures("_served_here")
async def test_on_an_event_loop_the_wait_has_an_end(postbox: Postbox) -> None:
    answer = await AsyncClient().get("/at-once-or-later")
    assert (answer.status_code, len(postbox.messages)) == (202, 1)
