"""A hub under control: a faulty log and doorbell, a database that is a number, and clients that
check what they are told.

Every status is numbered by ``serial`` when it is committed, and each record carries its number, so
that a client can tell a loss from what a snapshot has told already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from pushjobs.access import Caller
from pushjobs.burst import Burst
from pushjobs.cohort import Line
from pushjobs.cursor import Position
from pushjobs.events import Entry, EventType, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.hub import Hub
from pushjobs.reader import Snapshot
from pushjobs.subscription import Subscription
from pushjobs.tokens import Token
from pushjobs.transportwriter import TransportWriter
from tests.unit.faults import FaultyDoorbell, FaultyLog, turns
from tests.unit.records import CHANNEL, JOB, status

CALLER = Caller(token=Token("job", JOB, frozenset({CHANNEL}), frozenset({"read"}), 2e9))


@dataclass
class FakeJob:
    id: UUID = field(default_factory=lambda: UUID(JOB))
    over: bool = False
    version: int = 0
    announced: int = 0
    owner_id: None = None


class FakeReader:
    """The database: how many statuses are committed, and whether the job is over."""

    def __init__(self) -> None:
        self.job = FakeJob()
        self.serial = 0
        self.snapshots = 0
        self.hold: asyncio.Event | None = None

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While inside, subscriptions read from here."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pushjobs.subscription.get_reader", lambda: self)
            yield

    async def get(self, job_id: UUID) -> Any:
        await asyncio.sleep(0)
        return self.job

    async def snapshot(
        self, channel: str, position: Position, *, recovered: bool | None
    ) -> Snapshot:
        self.snapshots += 1
        await asyncio.sleep(0)
        body = b"%d" % self.serial
        over = self.job.over
        if self.hold is not None:
            await self.hold.wait()
        record = Record(channel, EventType.SNAPSHOT, JOB, 1, 0, 0, body)
        return Snapshot([Entry(record, position)], over)


@dataclass
class Client:
    """A sink that checks each thing that it is told as it comes.

    ``known`` is the last serial that it has learnt of, by an event or by a snapshot; ``position``
    is where its cursor stands. One that is ``direct`` is its own writer too, unless it is
    ``stopped`` or ``broken``.
    """

    known: int = 0
    position: Position | None = None
    told: list[str] = field(default_factory=list)
    ends: int = 0
    slow: int = 0
    direct: bool = False
    stopped: bool = False
    broken: bool = False
    writes: int = 0
    framing: Hashable = "entries"
    paused: bool = False
    on_stop: Callable[[], None] | None = None
    fault: AssertionError | None = None

    def deliver(self, channel: str, burst: Burst) -> None:
        for entry in burst.entries:
            self.put(channel, entry, moves=True)

    def put(self, channel: str, entry: Entry, *, moves: bool) -> None:
        try:
            self._check(entry)
        except AssertionError as fault:
            # The hub survives what a subscriber raises, so that the test asks for it.
            self.fault = self.fault or fault

    def _check(self, entry: Entry) -> None:
        assert not self.ends, "told something after the end"
        serial = int(entry.record.body)
        if entry.record.type == EventType.SNAPSHOT:
            assert serial >= self.known, "a snapshot older than what was told before"
        else:
            assert self.position is not None, "an event with nothing before it"
            assert self.position.precedes(entry.position), f"{self.position} → {entry.position}"
            assert serial <= self.known + 1, f"lost {self.known + 1} to {serial - 1}"
        self.known = max(self.known, serial)
        self.position = entry.position
        self.told.append(f"{entry.record.type.removeprefix('job.')} {serial}")

    def move(self, channel: str, position: Position) -> None:
        self.position = position

    def line(self) -> Line | None:
        return None if self.stopped else Line(self, _as_it_is)

    def frame(self, payloads: Sequence[Any]) -> Any:
        return tuple(payloads)

    def write(self, framed: Any) -> None:
        if self.broken:
            raise ConnectionResetError
        self.writes += 1
        for entry in framed:
            self.put(CHANNEL, entry, moves=True)

    @property
    def outlet(self) -> Callable[[Any], None]:
        return self.write

    broadcast = staticmethod(TransportWriter.broadcast)

    async def drain(self) -> None:
        pass

    def ended(self, channel: str) -> None:
        self.ends += 1

    async def drained(self) -> None:
        await turns(self.slow)

    @property
    def snapshots(self) -> int:
        return sum(text.startswith("snapshot") for text in self.told)


def _as_it_is(entry: Entry) -> Any:
    return entry


class World:
    """A hub with all that it touches, and the clients that follow one job's channel."""

    def __init__(self) -> None:
        self.log = FaultyLog()
        self.bell = FaultyDoorbell()
        self.reader = FakeReader()
        self.hub = Hub(self.log, self.bell, self._snapshot)
        self.hub.in_flight = 0
        self.clients: list[tuple[Client, Subscription, asyncio.Task[None]]] = []
        #: Where a client may have stood, and what it knew there.
        self.places: list[tuple[Position, int]] = []

    async def _snapshot(self, channel: str, position: Position) -> Snapshot:
        return await self.reader.snapshot(channel, position, recovered=False)

    async def say(self, kind: EventType = EventType.STARTED, *, rings: bool = True) -> Entry:
        """Commit a status, append its announcement, and ring unless the doorbell is to lose it."""
        self.reader.serial += 1
        serial = self.reader.serial
        (entry,) = await self.log.append([status(serial, kind, body=b"%d" % serial)])
        assert entry is not None
        self.places.append((entry.position, serial))
        self.bell.rung.append(entry)
        if rings:
            self.bell.deliver(entry)
        return entry

    async def end(self, *, announced: bool = True, rings: bool = True) -> None:
        """Commit the job's end and tell it."""
        self.reader.job.over = True
        self.reader.job.version = self.reader.serial + 1
        await self.say(EventType.SUCCEEDED, rings=rings)
        if announced:
            self.reader.job.announced = self.reader.job.version

    def subscribe(
        self,
        cursor: Position | None = None,
        known: int = 0,
        *,
        earliest: bool = False,
        slow: int = 0,
        direct: bool = False,
    ) -> tuple[Client, Subscription]:
        """A client that comes with a cursor, or with none; it runs in a task of its own."""
        client = Client(known, slow=slow, direct=direct)
        subscription = Subscription(self.hub, client, CHANNEL)
        task = asyncio.get_running_loop().create_task(
            self._follow(client, subscription, cursor, earliest=earliest)
        )
        self.clients.append((client, subscription, task))
        return client, subscription

    async def _follow(
        self,
        client: Client,
        subscription: Subscription,
        cursor: Position | None,
        *,
        earliest: bool,
    ) -> None:
        try:
            await subscription.open(CALLER, cursor, earliest=earliest)
            client.position = subscription.position
            if earliest and client.position is not None:
                # What the log no longer holds, this client has not asked for.
                client.known = self._first_after(client.position) - 1
            if subscription.over:
                client.ended(CHANNEL)
                subscription.close()
            else:
                await subscription.run()
        except LogUnavailable:
            subscription.close()

    def _first_after(self, position: Position) -> int:
        return next(serial for place, serial in self.places if position.precedes(place))

    async def relay(self) -> None:
        """Announce an end that no one may have been told of; the log refuses it if it has it."""
        job = self.reader.job
        if job.over and job.announced < job.version:
            serial = self.reader.serial
            await self.log.append([status(serial, EventType.SUCCEEDED, body=b"%d" % serial)])
            job.announced = job.version

    async def head(self) -> Position:
        return (await self.log.inner.heads([CHANNEL]))[CHANNEL]

    async def quiet(self) -> None:
        """Let all that is under way come to an end."""
        still = 0
        for _ in range(20_000):
            await asyncio.sleep(0)
            feeds = self.hub._feeds.values()
            busy = any(feed.reading or feed.opening for feed in feeds) or not self.bell.empty
            busy = busy or not all(task.done() for _, _, task in self.clients)
            still = 0 if busy else still + 1
            if still == 5:
                return
        raise AssertionError("it does not come to rest")

    async def settle(self) -> None:
        """The log is back: what sweeps find is told."""
        self.log.failures = 0
        self.log.lags = [0]
        await self.relay()
        for _ in range(3):
            await self.hub.sweep()
            await self.quiet()

    async def close(self) -> None:
        """All clients leave; raises what any of their tasks has raised."""
        for _, subscription, task in self.clients:
            subscription.close()
            task.cancel()
        tasks = [task for _, _, task in self.clients]
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        await self.hub.sweep()
        feeds = self.hub.feeds
        await self.hub.stop()
        for client, _, _ in self.clients:
            if client.fault is not None:
                raise client.fault
        assert feeds == 0, "a feed is open that no one follows"
