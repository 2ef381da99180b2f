"""The log in Redis streams: shared by all processes, one stream per channel.

A channel has two keys with one hash tag, so that a cluster keeps them in one slot: ``…:meta``
(epoch, last offset, size, newest progress, fences) and ``…:stream`` (entries, with the ids
``<offset>-0``). Both expire ``LOG_MAX_AGE`` after their last use. What must be atomic is a script.
Calls for many channels go to each server in one round trip. Needs Redis 6.2, or Valkey.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b, sha1
from importlib.resources import files
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary
from zlib import crc32

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from pushjobs.conf import settings
from pushjobs.cursor import Position
from pushjobs.events import CLOSING, Entry, EventType, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.log.contract import Page


class Script:
    """A Lua script, called by its hash."""

    def __init__(self, name: str) -> None:
        self.text = files(__package__).joinpath(name).read_text()
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


APPEND, HEAD, READ = Script("append.lua"), Script("head.lua"), Script("read.lua")


class RedisLog:
    """Implements ``Log`` on the servers that ``PUSHJOBS["LOG_URLS"]`` names.

    A channel lives on one server, chosen by its name.
    """

    def __init__(self, urls: Sequence[str] | None = None) -> None:
        self._urls = tuple(urls or settings.LOG_URLS)
        # A connection belongs to the event loop that opened it.
        self._servers: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Redis]] = (
            WeakKeyDictionary()
        )

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, record in enumerate(records):
            places[record.channel].append(place)
        calls = {
            channel: [
                secrets.token_hex(4),
                settings.LOG_MAX_EVENTS,
                settings.LOG_MAX_BYTES,
                int(1000 * settings.LOG_MAX_AGE),
                *(field for place in own for field in _fields(records[place])),
            ]
            for channel, own in places.items()
        }
        appended: list[Entry | None] = [None] * len(records)
        for channel, (epoch, *offsets) in (await self._call(APPEND, calls)).items():
            for place, offset in zip(places[channel], offsets, strict=True):
                if offset:
                    appended[place] = Entry(records[place], Position(epoch.decode(), offset))
        return appended

    async def read(self, channel: str, after: Position | None, limit: int) -> Page:
        asked = [after.epoch, after.offset] if after else ["", 0]
        replies = await self._call(READ, {channel: [*_opening(), *asked, limit]})
        epoch, head, complete, entries = replies[channel]
        found = [_entry(channel, epoch.decode(), fields) for fields in entries]
        return Page(Position(epoch.decode(), head), found, bool(complete))

    async def heads(self, channels: Sequence[str]) -> Mapping[str, Position]:
        replies = await self._call(HEAD, {channel: _opening() for channel in channels})
        return {name: Position(epoch.decode(), head) for name, (epoch, head, _) in replies.items()}

    async def progress(self, channels: Sequence[str]) -> Mapping[str, Entry]:
        replies = await self._call(HEAD, {channel: _opening() for channel in channels})
        return {
            name: _entry(name, epoch.decode(), newest)
            for name, (epoch, _, newest) in replies.items()
            if newest
        }

    async def close(self) -> None:
        for servers in self._servers.values():
            for server in servers:
                await server.aclose()
        self._servers.clear()

    async def _call(self, script: Script, calls: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Call a script for each channel, all channels of a server in one round trip."""
        by_server: defaultdict[int, list[str]] = defaultdict(list)
        for channel in calls:
            by_server[crc32(channel.encode()) % len(self._urls)].append(channel)
        replies: dict[str, list[Any]] = {}
        for number, channels in by_server.items():
            server = self._connected()[number]
            try:
                found = await _pipelined(server, script, channels, calls)
            except (RedisError, OSError) as error:
                raise LogUnavailable(str(error)) from error
            replies.update(zip(channels, found, strict=True))
        return replies

    def _connected(self) -> list[Redis]:
        loop = asyncio.get_running_loop()
        if loop not in self._servers:
            self._servers[loop] = [Redis.from_url(url, max_connections=None) for url in self._urls]
        return self._servers[loop]


async def _pipelined(
    server: Redis, script: Script, channels: Sequence[str], calls: Mapping[str, list[Any]]
) -> list[Any]:
    for last in (False, False, True):
        pipeline = server.pipeline(transaction=False)
        for channel in channels:
            pipeline.evalsha(script.sha, 2, *_keys(channel), *calls[channel])
        try:
            return await pipeline.execute()
        except NoScriptError:
            # The server is new, or was restarted; none of the calls has done anything.
            await server.script_load(script.text)
        except RedisConnectionError:
            # A connection from before a restart; calling twice does no harm.
            if last:
                raise
    raise LogUnavailable("the server keeps no scripts")


def _keys(channel: str) -> tuple[str, str]:
    """Keys of one slot, whatever characters the channel's name has."""
    tag = blake2b(channel.encode(), digest_size=16).hexdigest()
    return f"pushjobs:{{{tag}}}:meta", f"pushjobs:{{{tag}}}:stream"


def _opening() -> list[Any]:
    """The epoch of a channel that is new, and how long it is kept."""
    return [secrets.token_hex(4), int(1000 * settings.LOG_MAX_AGE)]


def _fields(record: Record) -> tuple[Any, ...]:
    ends = record.type in CLOSING or record.type == EventType.QUEUED
    return (
        record.type,
        record.job,
        record.attempt,
        record.version,
        record.seq,
        int(ends),
        record.body,
    )


def _entry(channel: str, epoch: str, packed: Sequence[Any]) -> Entry:
    """An entry of the stream: its id, then names and values."""
    identity, fields = packed
    values = dict(zip(islice(fields, 0, None, 2), islice(fields, 1, None, 2), strict=True))
    record = Record(
        channel=channel,
        type=values[b"k"].decode(),
        job=values[b"j"].decode(),
        attempt=int(values[b"a"]),
        version=int(values[b"v"]),
        seq=int(values[b"s"]),
        body=values[b"b"],
    )
    return Entry(record, Position(epoch, int(identity.partition(b"-")[0])))
