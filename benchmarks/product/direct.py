"""Stand-ins for the log and the layer that cost next to nothing, to see what the others cost.

They serve one publisher and one web process, and nothing that went before: no replay, no fence.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgpack

from pushjobs.cursor import Position
from pushjobs.events import Entry, Record
from pushjobs.log import Page

_EPOCH = "direct"
_SIZE = 4  # bytes of the length before each message


class NoLog:
    """Numbers what is appended and forgets it: its head is where anyone who asks stands."""

    def __init__(self) -> None:
        self._offsets: defaultdict[str, int] = defaultdict(int)

    def shard(self, channel: str) -> Hashable:
        return ""

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        return [Entry(record, self.following(record.channel)) for record in records]

    def following(self, channel: str) -> Position:
        """The position of the next entry."""
        self._offsets[channel] += 1
        return Position(_EPOCH, self._offsets[channel])

    async def read(self, channel: str, after: Position | None, limit: int) -> Page:
        return Page(after or Position(_EPOCH, 0), (), complete=True)

    async def heads(self, channels: Sequence[str]) -> Mapping[str, Position]:
        return {channel: Position(_EPOCH, 0) for channel in channels}

    async def progress(self, channels: Sequence[str]) -> Mapping[str, Entry]:
        return {}

    async def close(self) -> None:
        pass


class DirectLayer:
    """A Channels layer that is a Unix socket between a publisher and the one mailbox there is."""

    extensions = ("groups",)

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def new_channel(self, prefix: str = "specific") -> str:
        """The mailbox; from now on it is listened to."""
        self._server = await asyncio.start_unix_server(self._take, self._path)
        return f"{prefix}!direct"

    async def receive(self, channel: str) -> dict[str, Any]:
        return await self._arrived.get()

    async def group_add(self, group: str, channel: str) -> None:
        pass

    async def group_discard(self, group: str, channel: str) -> None:
        pass

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if self._writer is None:
            _, self._writer = await asyncio.open_unix_connection(self._path)
        packed: bytes = msgpack.packb(message)
        self._writer.writelines((len(packed).to_bytes(_SIZE, "big"), packed))
        await self._writer.drain()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(_SIZE), "big")
                self._arrived.put_nowait(msgpack.unpackb(await reader.readexactly(size)))
        except asyncio.IncompleteReadError:
            writer.close()
