"""``pushjobs.reader``: a reconnect storm is a few queries."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError

from pushjobs import channels, reader
from pushjobs.cursor import Position
from pushjobs.events import EventType
from pushjobs.log.memory import MemoryLog
from pushjobs.models import JobTag
from pushjobs.reader import JobReader, Snapshot, get_reader
from tests.unit.conftest import Configure
from tests.unit.jobs import make
from tests.unit.records import status, word

pytestmark = pytest.mark.django_db(transaction=True)

AT = Position("abc", 7)


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many jobs each query asked for."""
    asked: list[int] = []
    real = reader._by_id

    async def by_id(keys: Any) -> Any:
        asked.append(len(keys))
        return await real(keys)

    monkeypatch.setattr(reader, "_by_id", by_id)
    return asked


def test_many_who_ask_in_one_turn_share_a_query(queries: list[int]) -> None:
    jobs, missing = [make() for _ in range(3)], uuid4()

    async def storm() -> list[Any]:
        own = JobReader(MemoryLog())
        keys = [job.id for job in jobs] * 50 + [missing]
        return await asyncio.gather(*(own.get(key) for key in keys))

    assert asyncio.run(storm()) == jobs * 50 + [None]
    assert queries == [4]


def test_who_asks_later_sees_what_has_changed(queries: list[int]) -> None:
    job = make()

    async def twice() -> tuple[Any, Any]:
        own = JobReader(MemoryLog())
        before = await own.get(job.id)
        await type(job).objects.filter(pk=job.id).aupdate(version=9)
        return before, await own.get(job.id)

    before, after = asyncio.run(twice())
    assert (before.version, after.version, queries) == (1, 9, [1, 1])


def test_a_query_that_fails_is_told_to_all_who_wait_and_to_no_one_after(
    monkeypatch: pytest.MonkeyPatch, queries: list[int]
) -> None:
    async def broken(keys: Any) -> Any:
        raise DatabaseError("away")

    async def play() -> Any:
        own = JobReader(MemoryLog())
        key = make_id
        with monkeypatch.context() as patch:
            patch.setattr(own._jobs, "_load", broken)
            failed = await asyncio.gather(own.get(key), own.get(key), return_exceptions=True)
        assert [type(error) for error in failed] == [DatabaseError] * 2
        return await own.get(key)

    make_id = make().id
    assert asyncio.run(play()).id == make_id


def data_of(snapshot: Snapshot) -> list[dict[str, Any]]:
    assert {entry.record.type for entry in snapshot.entries} <= {EventType.SNAPSHOT}
    assert {entry.position for entry in snapshot.entries} <= {AT}
    return [orjson.loads(entry.record.body)["data"] for entry in snapshot.entries]


def snapshot(channel: str, log: MemoryLog | None = None, **options: Any) -> Snapshot:
    own = JobReader(log or MemoryLog())
    return asyncio.run(own.snapshot(channel, AT, **{"recovered": None} | options))


def test_a_jobs_snapshot_has_the_newest_progress_of_the_log() -> None:
    job = make("running", progress={"done": 1})
    channel, log = channels.of_job(job.id), MemoryLog()
    body = b'{"data":{"done":5}}'
    records = [
        status(2, channel=channel, job=str(job.id)),
        word(1, EventType.PROGRESS, channel=channel, job=str(job.id), body=body),
    ]
    asyncio.run(log.append(records))
    (data,) = data_of(snapshot(channel, log))
    assert (data["progress"], data["status"]) == ({"done": 5}, "running")
    assert data_of(snapshot(channel))[0]["progress"] == {"done": 1}


@pytest.mark.parametrize("recovered", [None, True, False])
def test_a_snapshot_says_whether_a_cursor_was_recovered(recovered: bool | None) -> None:
    (data,) = data_of(snapshot(channels.of_job(make().id), recovered=recovered))
    assert data.get("recovered") is recovered


def test_a_snapshot_is_over_where_its_one_job_is_or_is_gone() -> None:
    assert snapshot(channels.of_job(make("failed").id)).over
    assert not snapshot(channels.of_job(make("running").id)).over
    assert snapshot(channels.of_job(uuid4())) == Snapshot([], over=True)


def test_a_channel_of_many_jobs_has_its_owners_newest_and_says_if_there_are_more(
    configure: Configure,
) -> None:
    configure(SNAPSHOT_JOBS=2)
    ann, bob = (get_user_model().objects.create(username=name) for name in ("ann", "bob"))
    jobs = [make("failed", owner=ann) for _ in range(3)]
    theirs = make(owner=bob)
    for job in (jobs[0], theirs):
        JobTag.objects.create(job=job, name="a")
    everything = snapshot(channels.of_user(ann.pk))
    assert [item["id"] for item in data_of(everything)] == [str(job.id) for job in jobs[1:]]
    assert [item.get("more") for item in data_of(everything)] == [None, True]
    assert not everything.over
    tagged = snapshot(channels.of_tag(ann.pk, "a"))
    assert [item["id"] for item in data_of(tagged)] == [str(jobs[0].id)]
    assert snapshot(channels.of_tag(ann.pk, "b")).entries == []


def test_the_reader_of_the_process_follows_a_change_of_the_log(configure: Configure) -> None:
    before = get_reader()
    configure()
    assert get_reader() is not before
