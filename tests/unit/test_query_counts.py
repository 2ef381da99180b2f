"""What a job costs its stores: the statements of each request and of a run, by number."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.core.cache.backends.locmem import LocMemCache
from django.db.backends.utils import CursorWrapper
from django.test import AsyncClient

from pushjobs import tokens
from pushjobs.actors import run_job
from pushjobs.models import Job
from tests.unit.asgi import Answer, ask, submit
from tests.unit.conftest import Configure
from tests.unit.jobs import make

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorder", "postbox"),
]


class Tally:
    """The statements of all threads and connections, by their first word."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self._lock = threading.Lock()

    def add(self, sql: str) -> None:
        with self._lock:
            self.statements.append(sql)

    @property
    def verbs(self) -> list[str]:
        return [sql.split()[0] for sql in self.statements]


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    tally, execute = Tally(), CursorWrapper.execute

    def counted(cursor: Any, sql: str, params: Any = None) -> Any:
        tally.add(sql)
        return execute(cursor, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", counted)
    return tally


@contextmanager
def no_more(tally: Tally, *verbs: str) -> Iterator[None]:
    """While inside, so many statements are made and no other."""
    before = len(tally.verbs)
    yield
    assert tally.verbs[before:] == [*verbs], tally.statements[before:]


async def accept(**body: Any) -> Any:
    asked = {"name": "test.echo", "args": {"value": 1}, **body}
    return await AsyncClient().post("/jobs", asked, content_type="application/json")


async def poll(job: Job, **headers: str) -> Answer:
    """Poll with the job's token."""
    token = f"Bearer {tokens.for_job(job.id)}"
    return await ask("GET", f"/jobs/{job.id}", authorization=token, **headers)


async def test_a_submission_is_one_statement(tally: Tally) -> None:
    with no_more(tally, "INSERT"):
        assert (await submit()).status == 202


async def test_a_submission_by_django_alone_is_one_statement_too(tally: Tally) -> None:
    with no_more(tally, "INSERT"):
        assert (await accept()).status_code == 202


async def test_tags_are_written_with_their_job_in_one_transaction(tally: Tally) -> None:
    with no_more(tally, "BEGIN", "INSERT", "INSERT"):
        assert (await accept(tags=["a", "b"])).status_code == 202


async def test_a_submission_within_its_pace_counts_once_for_its_address(
    monkeypatch: pytest.MonkeyPatch, configure: Configure
) -> None:
    configure(ADDRESS_SUBMISSIONS="1000000/day")
    calls: list[str] = []
    for name in ("get", "add", "incr", "decr"):
        method = getattr(LocMemCache, name)

        def counted(cache: Any, *args: Any, _call: Any = (name, method), **options: Any) -> Any:
            calls.append(_call[0])
            return _call[1](cache, *args, **options)

        monkeypatch.setattr(LocMemCache, name, counted)
    await accept()
    calls.clear()
    await accept()
    assert calls == ["incr"]


@pytest.mark.parametrize(("status", "code"), [("running", 202), ("succeeded", 200)])
async def test_a_poll_is_one_read(tally: Tally, status: str, code: int) -> None:
    job = await sync_to_async(make)(status)
    with no_more(tally, "SELECT"):
        assert (await poll(job)).status == code


async def test_a_poll_by_who_knows_the_state_is_one_read(tally: Tally) -> None:
    job = await sync_to_async(make)("running")
    known = (await poll(job)).headers["etag"]
    with no_more(tally, "SELECT"):
        assert (await poll(job, if_none_match=known)).status == 304


def test_a_run_is_one_statement_to_claim_and_one_to_end(tally: Tally) -> None:
    job = make(args={"value": 1})
    with no_more(tally, "UPDATE", "UPDATE"):
        run_job(str(job.id), 0)
    job.refresh_from_db()
    assert job.status == "succeeded"


def test_a_message_for_nothing_is_one_statement(tally: Tally) -> None:
    with no_more(tally, "UPDATE"):
        run_job(str(uuid4()), 0)


def test_marks_of_many_jobs_are_a_statement_for_each_version(tally: Tally) -> None:
    jobs = [make(announced=0) for _ in range(20)]
    versions = {job.id: 1 + number % 2 for number, job in enumerate(jobs)}
    with no_more(tally, "UPDATE", "UPDATE"):
        Job.objects.mark_announced(versions)
