"""A log that can be wiped, cut off and slowed, and a doorbell that does its worst."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Hashable, Mapping, Sequence

from pushjobs.cursor import Position
from pushjobs.events import Entry, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.log import Page
from pushjobs.log.memory import MemoryLog
from tests.unit.records import CHANNEL


async def turns(count: int) -> None:
    """Let every other task run ``count`` steps."""
    for _ in range(count):
        await asyncio.sleep(0)


class FaultyLog:
    """A log whose answers come late; ``failures`` is how many calls are yet to fail."""

    def __init__(self) -> None:
        self.inner = MemoryLog()
        self.failures = 0
        self.lags: list[int] = [0]
        self.calls = 0
        self.reads: list[Position | None] = []
        self.hold: asyncio.Event | None = None
        self.hold_heads: asyncio.Event | None = None

    def wipe(self) -> None:
        self.inner = MemoryLog()

    def shard(self, channel: str) -> Hashable:
        return self.inner.shard(channel)

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        return await self.inner.append(records)

    async def read(self, channel: str, after: Position | None, limit: int) -> Page:
        self.reads.append(after)
        await self._lag()
        page = await self.inner.read(channel, after, limit)
        await self._lag()
        if self.hold is not None:
            await self.hold.wait()
        return page

    async def heads(self, channels: Sequence[str]) -> Mapping[str, Position]:
        await self._lag()
        heads = await self.inner.heads(channels)
        await self._lag()
        if self.hold_heads is not None:
            await self.hold_heads.wait()
        return heads

    async def progress(self, channels: Sequence[str]) -> Mapping[str, Entry]:
        return await self.inner.progress(channels)

    async def close(self) -> None:
        await self.inner.close()

    async def _lag(self) -> None:
        self.calls += 1
        await turns(self.lags[self.calls % len(self.lags)])
        if self.failures:
            self.failures -= 1
            raise LogUnavailable()


class FaultyDoorbell:
    """A mailbox into which the test puts what it likes, as often and in whatever order."""

    def __init__(self) -> None:
        self.rung: list[Entry] = []
        self.joined: list[str] = []
        self.left: list[str] = []
        self.leaving: asyncio.Event | None = None
        self._mail: asyncio.Queue[dict[str, list[Entry]]] = asyncio.Queue()

    def deliver(self, *entries: Entry) -> None:
        self._mail.put_nowait({CHANNEL: list(entries)})

    @property
    def empty(self) -> bool:
        return self._mail.empty()

    async def attend(self) -> None:
        pass

    async def join(self, channel: str) -> None:
        await asyncio.sleep(0)
        self.joined.append(channel)

    async def leave(self, channel: str) -> None:
        if self.leaving is not None:
            await self.leaving.wait()
        self.left.append(channel)

    async def receive(self, served: Container[str]) -> Mapping[str, Sequence[Entry]]:
        return await self._mail.get()
