"""What a log gives to who reads it, and what it says of that which is gone."""

from __future__ import annotations

import time

import pytest

from pushjobs.cursor import Position
from pushjobs.events import EventType
from pushjobs.log import Log, Page
from tests.unit.conftest import Configure
from tests.unit.records import CHANNEL, status, word


async def filled(log: Log, count: int, **fields: object) -> list[Position]:
    """The positions of ``count`` new words."""
    appended = await log.append([word(seq, **fields) for seq in range(1, count + 1)])  # type: ignore[arg-type]
    return [entry.position for entry in appended if entry]


def offsets(page: Page) -> list[int]:
    return [entry.position.offset for entry in page.entries]


async def test_a_page_has_what_follows_the_position(log: Log) -> None:
    positions = await filled(log, 5)
    page = await log.read(CHANNEL, positions[1], 10)
    assert (offsets(page), page.complete, page.head) == ([3, 4, 5], True, positions[-1])


async def test_pages_one_after_the_other_give_each_entry_once(log: Log) -> None:
    head = (await filled(log, 10))[-1]
    position, found = Position(head.epoch, 0), []
    while position != head:
        page = await log.read(CHANNEL, position, 3)
        assert page.complete
        assert 0 < len(page.entries) <= 3
        found += offsets(page)
        position = page.entries[-1].position
    assert found == list(range(1, 11))


async def test_who_stands_at_the_head_gets_an_empty_complete_page(log: Log) -> None:
    head = (await filled(log, 3))[-1]
    assert await log.read(CHANNEL, head, 10) == Page(head, [], complete=True)


async def test_without_a_position_it_reads_from_the_earliest(log: Log) -> None:
    await filled(log, 3)
    page = await log.read(CHANNEL, None, 2)
    assert (offsets(page), page.complete, page.head.offset) == ([1, 2], True, 3)


@pytest.mark.parametrize("limit", ["LOG_MAX_EVENTS", "LOG_MAX_BYTES"])
async def test_what_is_over_the_bound_is_gone_and_said_to_be(
    log: Log, configure: Configure, limit: str
) -> None:
    bound = {"LOG_MAX_EVENTS": 3, "LOG_MAX_BYTES": 3 * 100}[limit]
    configure(**{limit: bound})
    positions = await filled(log, 10, body=b"x" * 100)
    earliest = await log.read(CHANNEL, None, 10)
    assert (offsets(earliest), earliest.complete) == ([8, 9, 10], False)
    at_the_edge = await log.read(CHANNEL, positions[6], 10)
    assert (offsets(at_the_edge), at_the_edge.complete) == ([8, 9, 10], True)
    before_it = await log.read(CHANNEL, positions[5], 10)
    assert (before_it.complete, before_it.head) == (False, positions[-1])


async def test_one_entry_over_the_byte_bound_counts_and_is_gone(
    log: Log, configure: Configure
) -> None:
    configure(LOG_MAX_BYTES=10)
    (position,) = await filled(log, 1, body=b"x" * 100)
    assert position.offset == 1
    assert not (await log.read(CHANNEL, position._replace(offset=0), 10)).complete
    assert (await log.read(CHANNEL, position, 10)).complete


async def test_what_is_too_old_is_gone_and_said_to_be(log: Log, configure: Configure) -> None:
    configure(LOG_MAX_AGE=0.02)
    first = (await filled(log, 1))[0]
    deadline = time.monotonic() + 20
    for seq in range(2, 1_000_000):
        await log.append([word(seq)])
        page = await log.read(CHANNEL, first._replace(offset=0), 1)
        if not page.complete:
            break
        assert time.monotonic() < deadline, "the first entry is still there"
    # The entry is gone, or on a slow machine its whole channel, which starts afresh.
    assert page.head.offset > 1 or page.head.epoch != first.epoch


async def test_a_position_of_an_older_epoch_is_not_covered(log: Log) -> None:
    head = (await filled(log, 3))[-1]
    for offset in (0, 2, 3):
        page = await log.read(CHANNEL, Position("0ther", offset), 10)
        assert (page.complete, page.head) == (False, head)


async def test_a_position_beyond_the_head_is_not_covered(log: Log) -> None:
    head = (await filled(log, 3))[-1]
    page = await log.read(CHANNEL, head._replace(offset=4), 10)
    assert (page.complete, list(page.entries), page.head) == (False, [], head)


async def test_heads_opens_a_channel_that_was_never_seen(log: Log) -> None:
    heads = await log.heads(["user:1", CHANNEL])
    assert [position.offset for position in heads.values()] == [0, 0]
    assert await log.heads([CHANNEL, "user:1"]) == heads
    (entry,) = await log.append([status(1)])
    assert entry is not None
    assert entry.position == heads[CHANNEL]._replace(offset=1)
    page = await log.read(CHANNEL, heads[CHANNEL], 10)
    assert (offsets(page), page.complete) == ([1], True)


async def test_the_head_of_many_channels_comes_in_one_answer(log: Log) -> None:
    names = [f"user:{number}" for number in range(300)]
    await log.append([status(1, channel=name) for name in names[::2]])
    heads = await log.heads(names)
    assert [heads[name].offset for name in names] == [1, 0] * 150
    assert await log.heads([]) == {}


async def test_reading_a_channel_that_was_never_seen_opens_it(log: Log) -> None:
    page = await log.read(CHANNEL, None, 10)
    assert (page.head.offset, list(page.entries), page.complete) == (0, [], True)
    assert (await log.heads([CHANNEL]))[CHANNEL] == page.head


async def test_progress_is_the_newest_of_the_running_attempt(log: Log) -> None:
    said = [word(seq, EventType.PROGRESS, body=b'{"n":%d}' % seq) for seq in (1, 2)]
    await log.append([status(2), *said, word(3)])
    found = await log.progress([CHANNEL, "job:unknown"])
    assert {name: entry.record.body for name, entry in found.items()} == {CHANNEL: b'{"n":2}'}


@pytest.mark.parametrize("kind", [EventType.SUCCEEDED, EventType.RETRYING])
async def test_an_attempt_that_has_ended_has_no_progress(log: Log, kind: EventType) -> None:
    await log.append([status(2), word(1, EventType.PROGRESS), status(3, kind)])
    assert await log.progress([CHANNEL]) == {}
    await log.append([status(4, attempt=2)])
    assert await log.progress([CHANNEL]) == {}
    await log.append([word(1, EventType.PROGRESS, attempt=2)])
    assert (await log.progress([CHANNEL]))[CHANNEL].record.attempt == 2


async def test_progress_outlives_its_entry(log: Log, configure: Configure) -> None:
    configure(LOG_MAX_EVENTS=2)
    await log.append([status(2), word(1, EventType.PROGRESS), word(2), word(3), word(4)])
    assert (await log.progress([CHANNEL]))[CHANNEL].position.offset == 2
