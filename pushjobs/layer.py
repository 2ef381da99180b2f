"""The only caller of the Channels layer: a doorbell that may drop, repeat or reorder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from hashlib import blake2s
from typing import Any

from channels.layers import get_channel_layer

from pushjobs.conf import settings
from pushjobs.cursor import Position
from pushjobs.events import Entry, Record

#: Seconds that a call may take.
_PATIENCE = 2.0


class Doorbell:
    """Carries entries from a publisher to the mailbox of every process that serves their channel.

    Nothing waits for a ring and no one may rely on it: what it loses is read from the log.
    """

    def __init__(self) -> None:
        self._layer: Any = get_channel_layer(settings.CHANNEL_LAYER)
        if self._layer is None:
            raise RuntimeError(f"CHANNEL_LAYERS has no {settings.CHANNEL_LAYER!r}")
        self._mailbox: str | None = None
        self._silent_until = 0.0

    async def ring(self, channel: str, entries: Sequence[Entry]) -> None:
        """Send entries of one channel to all who joined it; raises what the layer raises.

        A layer that does not answer raises ``TimeoutError``, and is left in peace for a while, so
        that it holds up no publisher.
        """
        if time.monotonic() < self._silent_until:
            return
        message = {
            "type": "pushjobs.entries",
            "channel": channel,
            "entries": [_pack(entry) for entry in entries],
        }
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._layer.group_send(_group(channel), message)
        except TimeoutError:
            self._silent_until = time.monotonic() + _PATIENCE
            raise

    async def join(self, channel: str) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self._layer.group_add(_group(channel), await self._address())

    async def leave(self, channel: str) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self._layer.group_discard(_group(channel), await self._address())

    async def receive(self) -> tuple[str, list[Entry]]:
        """The next ring in this process's mailbox: a channel and its entries."""
        message = await self._layer.receive(await self._address())
        channel = message["channel"]
        return channel, [_unpack(channel, packed) for packed in message["entries"]]

    async def _address(self) -> str:
        if self._mailbox is None:
            self._mailbox = await self._layer.new_channel("pushjobs")
        return self._mailbox


def _group(channel: str) -> str:
    """A name that the layer accepts: letters, digits and points, below 100 characters."""
    return "pushjobs." + blake2s(channel.encode(), digest_size=16).hexdigest()


def _pack(entry: Entry) -> list[Any]:
    record, position = entry.record, entry.position
    return [
        position.epoch,
        position.offset,
        record.type,
        record.job,
        record.attempt,
        record.version,
        record.seq,
        record.body,
    ]


def _unpack(channel: str, packed: Sequence[Any]) -> Entry:
    epoch, offset, *record = packed
    return Entry(Record(channel, *record), Position(epoch, offset))
