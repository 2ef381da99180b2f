"""``pushjobs.publisher``: what is said reaches the log, in order and joined, whatever fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

import orjson
import pytest

from pushjobs import loop
from pushjobs.events import Entry, Event, EventType, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.gauge import Gauge
from pushjobs.log.memory import MemoryLog
from pushjobs.publisher import Publisher
from pushjobs.voice import CHUNK
from tests.unit.conftest import Configure
from tests.unit.records import CHANNEL, JOB, OTHER, event, gauge, output


class FailingLog(MemoryLog):
    """Raises ``failures`` times before it appends; ``held`` keeps appended records back."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 0
        self.batches: list[int] = []
        self.held: asyncio.Event | None = None

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        if self.failures:
            self.failures -= 1
            raise LogUnavailable()
        self.batches.append(len(records))
        entries = await super().append(records)
        if self.held is not None:
            await self.held.wait()
        return entries


class Bell:
    def __init__(self) -> None:
        self.rings: list[Entry] = []
        self.broken = False

    async def ring(self, rings: Mapping[str, Sequence[Entry]]) -> None:
        if self.broken:
            raise ConnectionError("no layer")
        for entries in rings.values():
            self.rings += entries


class Desk:
    """A publisher with all that it publishes to."""

    def __init__(self) -> None:
        self.log, self.bell = FailingLog(), Bell()
        self.published: list[tuple[UUID, int]] = []
        self.publisher = Publisher(self.log, self.bell, lambda *pair: self.published.append(pair))

    def status(self, version: int, kind: EventType = EventType.STARTED, **fields: object) -> None:
        self.publisher.publish(event(kind, version=version, **fields), (CHANNEL,))

    def say(self, *said: Event | Gauge) -> None:
        for item in said:
            if isinstance(item, Gauge):
                self.publisher.progress(item, (CHANNEL,))
            else:
                self.publisher.output(item, (CHANNEL,))

    async def flush(self) -> None:
        assert await asyncio.to_thread(self.publisher.flush, 20)

    async def told(self) -> list[str]:
        """What the log has: the types of statuses, progress numbers, and output by stream."""
        page = await self.log.read(CHANNEL, None, 100_000)
        return [_short(entry.record) for entry in page.entries]


def _short(record: Record) -> str:
    data = orjson.loads(record.body)["data"]
    match record.type:
        case EventType.PROGRESS:
            return f"{data['done']}"
        case EventType.OUTPUT:
            return f"{data['stream']}: {data['chunk']}"
        case kind:
            return kind.removeprefix("job.")


@pytest.fixture
async def desk(configure: Configure) -> AsyncIterator[Desk]:
    """Holds back for longer than a test takes, so that only a flush or a status lets go."""
    configure(PROGRESS_INTERVAL=3600, OUTPUT_INTERVAL=3600)
    loop.bind(asyncio.get_running_loop())
    return Desk()


async def test_statuses_are_told_in_order_to_every_channel(desk: Desk) -> None:
    for version in range(1, 6):
        item = event(EventType.STARTED, version=version)
        desk.publisher.publish(item, (CHANNEL, "user:1", "tag:1:a"))
    await desk.flush()
    for channel in (CHANNEL, "user:1", "tag:1:a"):
        page = await desk.log.read(channel, None, 100)
        assert [entry.record.version for entry in page.entries] == [1, 2, 3, 4, 5]
    assert len(desk.bell.rings) == 15
    assert desk.published == [(UUID(JOB), version) for version in range(1, 6)]


async def test_many_events_are_appended_in_few_batches(desk: Desk) -> None:
    for version in range(1, 1001):
        desk.status(version)
    await desk.flush()
    assert sum(desk.log.batches) == 1000
    assert len(desk.log.batches) < 10


async def test_progress_within_an_interval_is_collapsed_to_the_newest(desk: Desk) -> None:
    desk.say(*(gauge(done) for done in range(100)))
    await desk.flush()
    assert await desk.told() == ["0", "99"]


async def test_output_within_an_interval_is_joined_per_stream_in_order(desk: Desk) -> None:
    desk.say(output("first"), output("a"), output("b"), output("!", "errors"), output("c"))
    await desk.flush()
    assert await desk.told() == ["output: first", "output: ab", "errors: !", "output: c"]


async def test_joined_output_is_no_longer_than_a_chunk_and_whole(desk: Desk) -> None:
    pieces = [str(number).ljust(1000, ".") for number in range(100)]
    desk.say(*map(output, pieces))
    await desk.flush()
    told = [text.removeprefix("output: ") for text in await desk.told()]
    assert "".join(told) == "".join(pieces)
    assert max(map(len, told)) <= CHUNK
    assert len(told) < 15


async def test_what_is_held_back_is_told_once_its_interval_has_passed(
    desk: Desk, configure: Configure
) -> None:
    configure(PROGRESS_INTERVAL=0.01, OUTPUT_INTERVAL=0.01)
    desk.say(output("a"), output("b"), gauge(1), gauge(2))
    async with asyncio.timeout(20):
        while len(await desk.told()) < 4:
            await asyncio.sleep(0.005)
    told = await desk.told()
    assert told[0] == "output: a"
    assert sorted(told[1:]) == ["1", "2", "output: b"]


async def test_a_status_comes_after_all_that_its_attempt_has_said(desk: Desk) -> None:
    desk.say(gauge(1), output("a"), gauge(2), output("b"))
    desk.status(2, EventType.SUCCEEDED)
    await desk.flush()
    assert await desk.told() == ["1", "output: a", "output: b", "2", "succeeded"]


async def test_a_status_does_not_hurry_what_others_say(desk: Desk) -> None:
    desk.say(output("x", job=OTHER), output("y", job=OTHER), output("a"))
    desk.status(2, EventType.SUCCEEDED)
    async with asyncio.timeout(20):
        while "succeeded" not in await desk.told():
            await asyncio.sleep(0)
    assert "output: y" not in await desk.told()


async def test_a_log_that_is_out_of_reach_for_a_while_loses_nothing(desk: Desk) -> None:
    desk.log.failures = 3
    desk.say(output("a"), output("b"), gauge(1))
    desk.status(2, EventType.SUCCEEDED)
    desk.status(9, job=OTHER)
    await desk.flush()
    assert desk.log.failures == 0
    assert sorted(await desk.told()) == ["1", "output: a", "output: b", "started", "succeeded"]
    assert desk.published == [(UUID(JOB), 2), (UUID(OTHER), 9)]


async def test_a_bell_that_fails_loses_nothing_from_the_log(desk: Desk) -> None:
    desk.bell.broken = True
    desk.status(1)
    await desk.flush()
    desk.bell.broken = False
    desk.status(2)
    await desk.flush()
    assert await desk.told() == ["started", "started"]
    assert [entry.record.version for entry in desk.bell.rings] == [2]


async def test_what_the_log_refuses_does_not_ring_and_counts_as_told(desk: Desk) -> None:
    desk.status(1)
    desk.status(1)
    await desk.flush()
    assert len(desk.bell.rings) == 1
    assert desk.published == [(UUID(JOB), 1)] * 2


async def test_a_silenced_attempt_says_no_more_of_what_it_held_back(desk: Desk) -> None:
    desk.say(gauge(1), output("a"), output("b"), gauge(2))
    desk.publisher.silence(JOB, 1)
    await desk.flush()
    assert await desk.told() == ["1", "output: a"]
    desk.status(3, attempt=2)
    desk.say(output("again", attempt=2))
    await desk.flush()
    assert (await desk.told())[-2:] == ["started", "output: again"]


async def test_threads_that_speak_at_once_lose_no_output(desk: Desk) -> None:
    def speak(number: int) -> None:
        for place in range(200):
            desk.say(output(f"{place} ", job=f"job-{number}"))

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await desk.flush()
    page = await desk.log.read(CHANNEL, None, 100_000)
    for number in range(4):
        own = [entry.record for entry in page.entries if entry.record.job == f"job-{number}"]
        text = "".join(orjson.loads(record.body)["data"]["chunk"] for record in own)
        assert text.split() == [str(place) for place in range(200)]


async def test_a_flush_that_has_not_time_enough_says_so(desk: Desk) -> None:
    desk.log.failures = 1_000_000
    desk.status(1)
    assert not await asyncio.to_thread(desk.publisher.flush, 0.01)
    desk.log.failures = 0
    await desk.flush()
    assert await desk.told() == ["started"]


async def test_text_that_is_no_unicode_is_passed_on_and_stops_no_one(desk: Desk) -> None:
    """Such as a file name that Python has decoded with ``surrogateescape``."""
    desk.say(output("caf\udce9"))
    desk.status(2, EventType.FAILED, data={"error": {"detail": "caf\udce9", "count": 10**30}})
    await desk.flush()
    assert [text[:10] for text in await desk.told()] == ["output: ca", "failed"]


async def test_the_output_of_an_attempt_can_be_waited_for() -> None:
    desk = Desk()
    desk.log.held = asyncio.Event()
    desk.say(output("a"), output("b"))
    settling = asyncio.create_task(asyncio.to_thread(desk.publisher.settle, JOB, 1, 20))
    while not desk.log.batches:
        await asyncio.sleep(0)
    other = await asyncio.to_thread(desk.publisher.settle, OTHER, 1, 20)
    assert other
    assert not settling.done()
    home = desk.publisher._home
    assert home is not None
    home.call_soon_threadsafe(desk.log.held.set)
    assert await settling
    assert await desk.told() == ["output: a", "output: b"]


async def test_output_that_the_log_does_not_take_in_time_is_said_to_be_missing() -> None:
    desk = Desk()
    desk.log.failures = 1_000_000
    desk.say(output("a"))
    assert not await asyncio.to_thread(desk.publisher.settle, JOB, 1, 0.01)
    assert desk.publisher.settle(JOB, 1, 20)  # On the loop itself no one waits.
    desk.log.failures = 0
    await desk.flush()
    assert await asyncio.to_thread(desk.publisher.settle, JOB, 1, 0)


async def test_an_event_that_no_log_takes_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk, append = Desk(), MemoryLog.append

    async def picky(log: MemoryLog, records: Sequence[Record]) -> list[Entry | None]:
        if any(record.version == 2 for record in records):
            raise ValueError("as no one expects")
        return await append(log, records)

    monkeypatch.setattr(MemoryLog, "append", picky)
    for version in (1, 2, 3):
        desk.status(version)
    await desk.flush()
    assert [version for _, version in desk.published] == [1, 3]
    assert "as no one expects" in caplog.text
