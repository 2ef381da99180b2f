"""What a log admits and what it refuses."""

from __future__ import annotations

import asyncio
import functools
import operator

import pytest

from pushjobs.cursor import Position
from pushjobs.events import CLOSING, Entry, EventType
from pushjobs.log import Log
from tests.unit.records import CHANNEL, JOB, OTHER, status, word


async def admitted(log: Log, *records: object) -> list[bool]:
    return [entry is not None for entry in await log.append(records)]  # type: ignore[arg-type]


async def test_offsets_count_from_one_without_a_gap_within_one_epoch(log: Log) -> None:
    first = await log.append([status(1), word(1)])
    second = await log.append([word(2)])
    entries = [entry for entry in first + second if entry is not None]
    epoch = entries[0].position.epoch
    assert [entry.position for entry in entries] == [Position(epoch, n) for n in (1, 2, 3)]


async def test_a_refused_record_takes_no_offset_and_leaves_its_place_empty(log: Log) -> None:
    appended = await log.append([status(1), status(1), word(1), word(1), word(2)])
    offsets = [entry.position.offset if entry else None for entry in appended]
    assert offsets == [1, None, 2, None, 3]
    page = await log.read(CHANNEL, None, 10)
    assert list(page.entries) == [entry for entry in appended if entry]


async def test_channels_are_numbered_apart(log: Log) -> None:
    records = [status(n, channel=f"user:{m}", job=f"job-{n}") for n in (1, 2) for m in range(3)]
    appended = await log.append(records)
    offsets = [entry.position.offset for entry in appended if entry]
    assert offsets == [1, 1, 1, 2, 2, 2]
    epochs = {entry.record.channel: entry.position.epoch for entry in appended if entry}
    heads = await log.heads([f"user:{m}" for m in range(3)])
    assert heads == {name: Position(epoch, 2) for name, epoch in epochs.items()}


async def test_a_version_that_is_known_or_older_is_refused(log: Log) -> None:
    assert await admitted(log, status(3), status(3), status(2), status(4)) == [
        True,
        False,
        False,
        True,
    ]


async def test_a_version_that_leaves_some_out_is_admitted(log: Log) -> None:
    assert await admitted(log, status(1), status(5)) == [True, True]


async def test_a_word_that_is_known_or_older_is_refused(log: Log) -> None:
    assert await admitted(log, word(2), word(2), word(1), word(3)) == [True, False, False, True]


async def test_nothing_of_a_superseded_attempt_is_admitted(log: Log) -> None:
    await log.append([status(2, attempt=1), word(1, attempt=1), status(4, attempt=2)])
    stale = [
        word(2, attempt=1),
        word(9, EventType.PROGRESS, attempt=1),
        status(9, EventType.SUCCEEDED, attempt=1),
    ]
    assert await admitted(log, *stale) == [False, False, False]
    assert await admitted(log, word(1, attempt=2)) == [True]


async def test_the_first_word_of_a_new_attempt_supersedes_the_one_before(log: Log) -> None:
    await log.append([status(2, attempt=1), word(5, attempt=1)])
    later = [word(1, attempt=2), word(6, attempt=1), word(2, attempt=2)]
    assert await admitted(log, *later) == [True, False, True]


@pytest.mark.parametrize("kind", [*sorted(CLOSING), EventType.QUEUED])
async def test_an_attempt_that_has_ended_says_nothing_more(log: Log, kind: EventType) -> None:
    await log.append([status(2), word(1), status(3, kind)])
    assert await admitted(log, word(2), word(3, EventType.PROGRESS)) == [False, False]
    assert await admitted(log, status(4, attempt=2), word(1, attempt=2)) == [True, True]


async def test_jobs_that_share_a_channel_do_not_refuse_each_others_records(log: Log) -> None:
    shared = {"channel": "user:1"}
    records = [
        status(7, attempt=3, job=JOB, **shared),
        word(4, attempt=3, job=JOB, **shared),
        status(1, attempt=1, job=OTHER, **shared),
        word(1, attempt=1, job=OTHER, **shared),
        status(8, EventType.FAILED, attempt=3, job=JOB, **shared),
        word(2, attempt=1, job=OTHER, **shared),
    ]
    assert await admitted(log, *records) == [True] * 6


async def test_channels_that_share_a_job_do_not_refuse_each_others_records(log: Log) -> None:
    for channel in ("user:1", "tag:1:a", CHANNEL):
        assert await admitted(log, status(1, channel=channel), word(1, channel=channel)) == [
            True,
            True,
        ]


async def test_many_who_append_at_once_leave_no_gap_and_keep_their_own_order(log: Log) -> None:
    async def speak(number: int) -> list[Entry | None]:
        said: list[Entry | None] = []
        for seq in range(1, 21):
            said += await log.append([word(seq, job=f"job-{number}", channel="user:1")])
            await asyncio.sleep(0)
        return said

    said = await asyncio.gather(*(speak(number) for number in range(10)))
    offsets = [[entry.position.offset for entry in own if entry] for own in said]
    assert all(own == sorted(own) for own in offsets)
    assert sorted(functools.reduce(operator.iadd, offsets, [])) == list(range(1, 201))
    page = await log.read("user:1", None, 1000)
    assert [entry.position.offset for entry in page.entries] == list(range(1, 201))


async def test_many_channels_in_one_batch_each_refuse_their_own(log: Log) -> None:
    names = [f"job:{number}" for number in range(700)]
    await log.append([status(1, channel=name) for name in names[::3]])
    batch = [
        record for name in names for record in (status(1, channel=name), word(1, channel=name))
    ]
    appended = await log.append(batch)
    found = [entry.position.offset if entry else None for entry in appended]
    known = [[None, 2] if number % 3 == 0 else [1, 2] for number in range(700)]
    assert found == functools.reduce(operator.iadd, known, [])
    assert [entry.record for entry in appended if entry] == [
        record for record, offset in zip(batch, found, strict=True) if offset
    ]


async def test_more_records_than_one_call_takes_keep_their_order(log: Log) -> None:
    appended = await log.append([word(seq, body=b"x" * 200) for seq in range(1, 2501)])
    assert [entry.position.offset for entry in appended if entry] == list(range(1, 2501))
    assert await admitted(log, word(2500), word(2501)) == [False, True]


async def test_many_jobs_of_one_channel_in_one_batch_are_fenced_apart(log: Log) -> None:
    batch = [status(1, channel="user:1", job=f"job-{number}") for number in range(500)]
    assert all(await log.append(batch))
    assert not any(await log.append(batch))
    page = await log.read("user:1", None, 500)
    assert [entry.record for entry in page.entries] == batch
