"""The log in Redis streams: shared by all processes, one stream per channel.

A channel has two keys with one hash tag, so that a cluster keeps them in one slot: ``…:meta``
(epoch, last offset, size, newest progress, fences) and ``…:stream`` (entries, with the ids
``<offset>-0``). Both expire ``LOG_MAX_AGE`` after their last use. What must be atomic is a script.
Calls for many channels go to each server in one round trip. Needs Redis 6.2, or Valkey.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b, sha1
from importlib.resources import files
from itertools import islice
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from pushjobs.conf import settings
from pushjobs.cursor import Position
from pushjobs.events import CLOSING, Entry, EventType, Record
from pushjobs.exceptions import LogUnavailable
from pushjobs.log.contract import Page

logger = logging.getLogger(__name__)

# Unless the URL says otherwise, in seconds: a server that is gone is not waited for.
_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": 2,
    "socket_timeout": 2,
    "health_check_interval": 15,
    "max_connections": None,
}
#: A connection that is gone; uvloop calls a write to one that was just reset a RuntimeError.
_GONE = (RedisConnectionError, RuntimeError)


def _source(name: str) -> str:
    return files(__package__).joinpath(name).read_text()


class Script:
    """A Lua script, called by its hash."""

    def __init__(self, name: str) -> None:
        self.text = _source("open.lua") + _source(name)
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


APPEND, HEAD, READ = Script("append.lua"), Script("head.lua"), Script("read.lua")


class RedisLog:
    """Implements ``Log`` on the servers that ``PUSHJOBS["LOG_URLS"]`` names.

    A channel lives on one server, chosen by its name. While a server is down, ``append`` fails as a
    whole once it has done what the others take; ``heads`` and ``progress`` leave its channels out.
    """

    def __init__(self, urls: Sequence[str] | None = None) -> None:
        self._urls = tuple(urls or settings.LOG_URLS)
        # A connection belongs to the event loop that opened it.
        self._servers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Redis]] = (
            WeakKeyDictionary()
        )

    def shard(self, channel: str) -> str:
        return server_of(channel, self._urls)

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
        replies = await self._call(APPEND, calls)
        if len(replies) < len(calls):
            raise LogUnavailable("not every server of the log is in reach")
        appended: list[Entry | None] = [None] * len(records)
        for channel, (epoch, *offsets) in replies.items():
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
            for server in servers.values():
                await server.aclose()
        self._servers.clear()

    async def _call(self, script: Script, calls: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Call a script for each channel, all channels of a server in one round trip.

        Gives the replies of those servers that are in reach; raises ``LogUnavailable`` where none
        of those asked is.
        """
        by_url: defaultdict[str, list[str]] = defaultdict(list)
        for channel in calls:
            by_url[self.shard(channel)].append(channel)
        servers = self._connected()
        found = await asyncio.gather(
            *(_asked(servers[url], script, channels, calls) for url, channels in by_url.items())
        )
        replies: dict[str, list[Any]] = {}
        errors = [answer for answer in found if isinstance(answer, Exception)]
        for channels, answer in zip(by_url.values(), found, strict=True):
            if not isinstance(answer, Exception):
                replies.update(zip(channels, answer, strict=True))
        if errors:
            if not replies:
                raise LogUnavailable(str(errors[0])) from errors[0]
            logger.warning("a server of the log is out of reach: %s", errors[0])
        return replies

    def _connected(self) -> dict[str, Redis]:
        loop = asyncio.get_running_loop()
        if loop not in self._servers:
            self._servers[loop] = {url: Redis.from_url(url, **_OPTIONS) for url in self._urls}
        return self._servers[loop]


def server_of(channel: str, urls: Sequence[str]) -> str:
    """The server of a channel, by rendezvous hashing: one that comes or goes moves only its own.

    A server is known by its host, port and database, however the URL says who logs in.
    """
    if len(urls) == 1:
        return urls[0]
    name = channel.encode()
    return max(urls, key=lambda url: blake2b(name, key=_identity(url), digest_size=8).digest())


@lru_cache
def _identity(url: str) -> bytes:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2].lower() + parts.path.rstrip("/")
    return blake2b(place.encode(), digest_size=16).digest()


async def _asked(
    server: Redis, script: Script, channels: Sequence[str], calls: Mapping[str, list[Any]]
) -> list[Any] | Exception:
    try:
        return await _pipelined(server, script, channels, calls)
    except (RedisError, OSError, RuntimeError, LogUnavailable) as error:
        return error


async def _pipelined(
    server: Redis, script: Script, channels: Sequence[str], calls: Mapping[str, list[Any]]
) -> list[Any]:
    """Calls that may have been made are made again: that does no harm."""
    for last in (False, False, True):
        pipeline = server.pipeline(transaction=False)
        for channel in channels:
            arguments = 2, *_keys(channel), *calls[channel]
            if last:
                pipeline.eval(script.text, *arguments)
            else:
                pipeline.evalsha(script.sha, *arguments)
        try:
            return await pipeline.execute()
        except NoScriptError:  # The server is new, or was restarted.
            await server.script_load(script.text)
        except _GONE:  # A connection from before a restart.
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
