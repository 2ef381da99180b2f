"""The only caller of the Channels layer: a doorbell that may drop, repeat or reorder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2s
from typing import Any

import orjson
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings as django_settings

from pushjobs.broker import in_memory
from pushjobs.conf import settings
from pushjobs.cursor import Position
from pushjobs.events import Entry, Record

#: Seconds that a call may take.
_PATIENCE = 2.0
#: Rings for so many channels are a message each, to who serves the channel. Rings for more go
#: together to everyone: a message costs its sender as much as dozens of entries, and each process
#: that does not serve their channels less than that.
_FEW = 3
_MESSAGE_BYTES = 256 * 1024
#: Where every process hears what is rung for many channels.
_EVERYONE = "pushjobs.everyone"

#: Messages that a mailbox of the layer that stands in for a missing one holds.
_CAPACITY = 10_000

#: The type of a message that tells of a logout.
_LOGOUT = "pushjobs.logout"

Rings = Mapping[str, Sequence[Entry]]


def channel_layer() -> Any:
    """The layer named ``CHANNEL_LAYER``; raises ``RuntimeError`` where there is none.

    A project that sets neither ``CHANNEL_LAYERS`` nor a broker is one process, and gets one in
    memory.
    """
    if stands_in():
        return _stand_in()
    layer = get_channel_layer(settings.CHANNEL_LAYER)
    if layer is None:
        raise RuntimeError(f"CHANNEL_LAYERS has no {settings.CHANNEL_LAYER!r}")
    return layer


def stands_in() -> bool:
    """Whether a layer of our own takes the place of one that the project has not set."""
    return not hasattr(django_settings, "CHANNEL_LAYERS") and in_memory()


@lru_cache(maxsize=1)
def _stand_in() -> InMemoryChannelLayer:
    return InMemoryChannelLayer(capacity=_CAPACITY)


class Doorbell:
    """Carries entries from a publisher to the mailbox of every process that serves their channel.

    Nothing waits for a ring and no one may rely on it: what it loses is read from the log.
    """

    def __init__(self, on_logout: Callable[[str], None] | None = None) -> None:
        self._layer = channel_layer()
        self._on_logout = on_logout
        self._mailbox: str | None = None
        self._opening = asyncio.Lock()
        self._silent_until = 0.0

    async def ring(self, rings: Rings) -> None:
        """Send the entries of each channel to all who joined it; raises what the layer raises.

        A layer that does not answer raises ``TimeoutError``, and is left in peace for a while, so
        that it holds up no publisher.
        """
        if time.monotonic() < self._silent_until:
            return
        if len(rings) > _FEW:
            messages = [(_EVERYONE, _pack(share)) for share in _shares(rings)]
        else:
            messages = [(_group(name), _pack({name: own})) for name, own in rings.items()]
        try:
            async with asyncio.timeout(_PATIENCE):
                if len(messages) == 1:  # By itself it needs no task.
                    await self._layer.group_send(*messages[0])
                    return
                sending = (self._layer.group_send(*message) for message in messages)
                results = await asyncio.gather(*sending, return_exceptions=True)
        except TimeoutError:
            self._silent_until = time.monotonic() + _PATIENCE
            raise
        for error in results:
            if error is not None:
                raise error

    async def tell_logout(self, session: str) -> None:
        """Tell all who attend that a session is about to end, by a digest of its key."""
        async with asyncio.timeout(_PATIENCE):
            await self._layer.group_send(_EVERYONE, {"type": _LOGOUT, "session": session})

    async def attend(self) -> None:
        """Hear what is rung for many channels at once, and of logouts."""
        await self._add(_EVERYONE)

    async def join(self, channel: str) -> None:
        await self._add(_group(channel))

    async def leave(self, channel: str) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self._layer.group_discard(_group(channel), await self._address())

    async def receive(self, served: Container[str]) -> Rings:
        """The next rings in this process's mailbox, of those channels that are served."""
        message = await self._layer.receive(await self._address())
        if message["type"] == _LOGOUT:
            if self._on_logout is not None:
                self._on_logout(message["session"])
            return {}
        return _unpack(message, served)

    async def _add(self, group: str) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self._layer.group_add(group, await self._address())

    async def _address(self) -> str:
        if self._mailbox is None:
            # Who listens and who joins ask together at first, and must get one and the same.
            async with self._opening:
                if self._mailbox is None:
                    self._mailbox = await self._layer.new_channel("pushjobs")
        return self._mailbox


@lru_cache(maxsize=16384)
def _group(channel: str) -> str:
    """A name that the layer accepts: letters, digits and points, below 100 characters."""
    return "pushjobs." + blake2s(channel.encode(), digest_size=16).hexdigest()


def _shares(rings: Rings) -> Iterator[Rings]:
    """Rings in the order given, as many as a message is to carry."""
    share: dict[str, Sequence[Entry]] = {}
    size = 0
    for name, entries in rings.items():
        share[name] = entries
        size += sum(len(entry.record.body) for entry in entries)
        if size >= _MESSAGE_BYTES:
            yield share
            share, size = {}, 0
    if share:
        yield share


def _pack(rings: Rings) -> dict[str, Any]:
    """A message: an index of all entries in JSON, by columns, and their bodies, each of them once.

    Two strings, as a layer copies or encodes a message value by value; and columns, for a list of
    each entry costs a reader more than all else.
    """
    rows: list[tuple[Any, ...]] = []
    bodies: list[bytes] = []
    spans: dict[int, tuple[int, int]] = {}  # The channels of an event share its body.
    end = 0
    for entries in rings.values():
        for entry in entries:
            *fields, body = entry.record
            span = spans.get(id(body))
            if span is None:
                start, end = end, end + len(body)
                span = spans[id(body)] = start, end
                bodies.append(body)
            rows.append((*entry.position, *span, *fields))
    index = orjson.dumps(tuple(zip(*rows, strict=True)))
    return {"type": "pushjobs.rings", "index": index, "bodies": b"".join(bodies)}


def _unpack(message: Mapping[str, Any], served: Container[str]) -> Rings:
    bodies = message["bodies"]
    columns = orjson.loads(message["index"])
    rings: dict[str, list[Entry]] = {}
    for epoch, offset, start, end, name, kind, job, attempt, version, seq in zip(
        *columns, strict=True
    ):
        if name in served:
            record = Record(name, kind, job, attempt, version, seq, bodies[start:end])
            entry = Entry(record, Position(epoch, offset))
            own = rings.get(name)
            if own is None:
                rings[name] = [entry]
            else:
                own.append(entry)
    return rings
