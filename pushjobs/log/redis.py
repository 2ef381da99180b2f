"""The log in Redis streams: shared by all processes, one stream per channel.

A channel has two keys with one hash tag, so that a cluster keeps them in one slot: ``…:state`` (a
hash: its head, which has the fence of its own job; its newest progress; a fence for each other job)
and ``…:stream`` (entries, with the ids ``<offset>-<time in ms>``). Both expire ``LOG_MAX_AGE``
after their last use, or up to an eighth of that later. What must be atomic is a script. Needs Redis
6.2, or Valkey.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError

from pushjobs.batch import Batch
from pushjobs.channels import JOB
from pushjobs.conf import settings
from pushjobs.cursor import Position
from pushjobs.events import CLOSING, Entry, EventType, Record
from pushjobs.exceptions import BrokenChannel, LogUnavailable
from pushjobs.log.contract import Page
from pushjobs.log.scripts import APPEND, HEAD, READ, Question, Script, Server, unpack

logger = logging.getLogger(__name__)

#: What a server says where a key has what no script of the log has put there.
_BROKEN = ("WRONGTYPE", "equal or smaller than", "attempt to ")

#: Records that one round trip appends, and pages that one reads.
_APPENDED, _READ = 1024, 64
#: Types after which an attempt says nothing more.
_ENDING = CLOSING | {EventType.QUEUED}

#: An entry in the stream is the fields of a record after its channel, packed one after the other.
_ARRAY_OF_6 = b"\x96"

#: A channel, the position to read after, and how many entries.
_PageKey = tuple[str, Position | None, int]


class RedisLog:
    """Implements ``Log`` on the servers that ``PUSHJOBS["LOG_URLS"]`` names.

    A channel lives on one server, chosen by its name. While a server is down, ``append`` fails as a
    whole once it has done what the others take; ``heads`` and ``progress`` leave its channels out.
    What many ask to read at once is read in few round trips.
    """

    def __init__(self, urls: Sequence[str] | None = None) -> None:
        self._urls = tuple(urls or settings.LOG_URLS)
        # A connection belongs to the event loop that opened it.
        self._servers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Server]] = (
            WeakKeyDictionary()
        )
        self._pages = {url: Batch(partial(self._read, url), _READ) for url in self._urls}

    def shard(self, channel: str) -> str:
        return _place(channel, self._urls)

    async def append(self, records: Sequence[Record]) -> list[Entry | None]:
        appended: list[Entry | None] = []
        for start in range(0, len(records), _APPENDED):
            appended += await self._append(records[start : start + _APPENDED])
        return appended

    async def read(self, channel: str, after: Position | None, limit: int) -> Page:
        found = await self._pages[self.shard(channel)].get((channel, after, limit))
        if isinstance(found, Page):
            return found
        raise LogUnavailable(str(found)) from found

    async def heads(self, channels: Sequence[str]) -> Mapping[str, Position]:
        answers = await self._ask(HEAD, [Question(name, (False,)) for name in channels])
        return {
            name: Position(epoch.decode(), head)
            for names, answered in answers
            for name, (epoch, head, _) in zip(names, answered, strict=True)
        }

    async def progress(self, channels: Sequence[str]) -> Mapping[str, Entry]:
        answers = await self._ask(HEAD, [Question(name, (True,)) for name in channels])
        return {
            name: _entry(name, epoch.decode(), *newest)
            for names, answered in answers
            for name, (epoch, _, newest) in zip(names, answered, strict=True)
            if newest
        }

    async def close(self) -> None:
        for servers in self._servers.values():
            for server in servers.values():
                await server.close()
        self._servers.clear()

    async def _append(self, records: Sequence[Record]) -> list[Entry | None]:
        shares: dict[str, list[int]] = {}
        for place, record in enumerate(records):
            places = shares.get(record.channel)
            if places is None:
                shares[record.channel] = [place]
            else:
                places.append(place)
        questions = [
            _question(name, [records[place] for place in places]) for name, places in shares.items()
        ]
        try:
            answers = await self._ask(APPEND, questions)
        except LogUnavailable as error:
            if any(sign in str(error) for sign in _BROKEN):  # To try it again would help nothing.
                raise BrokenChannel(str(error)) from error
            raise
        appended: list[Entry | None] = [None] * len(records)
        missing = len(records)
        for names, answered in answers:
            following = iter(answered)
            for name in names:
                epoch = next(following).decode()
                places = shares[name]
                missing -= len(places)
                for place in places:
                    offset = next(following)
                    if offset:
                        appended[place] = Entry(records[place], Position(epoch, offset))
        if missing:
            raise LogUnavailable("not every server of the log is in reach")
        return appended

    async def _read(self, url: str, wanted: Sequence[_PageKey]) -> dict[_PageKey, Page | Exception]:
        """Pages of one server, or why there are none."""
        questions = [
            Question(channel, (after.epoch, after.offset, limit) if after else ("", 0, limit))
            for channel, after, limit in wanted
        ]
        answers = await _answered(self._connected()[url], READ, questions)
        if isinstance(answers, Exception):
            return dict.fromkeys(wanted, answers)
        pages: dict[_PageKey, Page | Exception] = {}
        for key, (epoch, head, complete, found) in zip(wanted, answers, strict=True):
            packed = [(identity.partition(b"-")[0], fields[1]) for identity, fields in found]
            entries = [_entry(key[0], epoch.decode(), *each) for each in packed]
            pages[key] = Page(Position(epoch.decode(), head), entries, complete)
        return pages

    async def _ask(
        self, script: Script, questions: Sequence[Question]
    ) -> list[tuple[list[str], list[Any]]]:
        """Ask channels, each server once and all at the same time.

        Gives the channels and answers of each server that is in reach; raises ``LogUnavailable``
        where none of those asked is.
        """
        by_url: defaultdict[str, list[Question]] = defaultdict(list)
        for question in questions:
            by_url[self.shard(question.channel)].append(question)
        servers = self._connected()
        calls = [_answered(servers[url], script, share) for url, share in by_url.items()]
        # A task for each of many; one alone needs none.
        found = await asyncio.gather(*calls) if len(calls) > 1 else [await one for one in calls]
        answers: list[tuple[list[str], list[Any]]] = []
        errors: list[Exception] = []
        for share, answered in zip(by_url.values(), found, strict=True):
            if isinstance(answered, Exception):
                errors.append(answered)
            else:
                answers.append(([question.channel for question in share], answered))
        if errors:
            if not answers:
                raise LogUnavailable(str(errors[0])) from errors[0]
            logger.warning("a server of the log is out of reach: %s", errors[0])
        return answers

    def _connected(self) -> dict[str, Server]:
        loop = asyncio.get_running_loop()
        if loop not in self._servers:
            self._servers[loop] = {url: Server(url) for url in self._urls}
        return self._servers[loop]


def _question(channel: str, records: Sequence[Record]) -> Question:
    """What the script is asked to append to one channel."""
    kind, _, own = channel.partition(":")
    places = {own: 0} if kind == JOB else {}
    others: list[str] = []
    for record in records:
        if record.job not in places:
            others.append(record.job)
            places[record.job] = len(others)
    asked: list[Any] = [len(records), len(others), *others]
    size = 0
    for record in records:
        asked += (places[record.job], 1 if record.type in _ENDING else 0, *record[1:])
        size += len(record.body)
    return Question(channel, asked, size)


def server_of(channel: str, urls: Sequence[str]) -> str:
    """The server of a channel, by rendezvous hashing: one that comes or goes moves only its own.

    A server is known by its host, port and database, however the URL says who logs in.
    """
    if len(urls) == 1:
        return urls[0]
    name = channel.encode()
    return max(urls, key=lambda url: blake2b(name, key=_identity(url), digest_size=8).digest())


_place = lru_cache(maxsize=16384)(server_of)


@lru_cache
def _identity(url: str) -> bytes:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2].lower() + parts.path.rstrip("/")
    return blake2b(place.encode(), digest_size=16).digest()


async def _answered(
    server: Server, script: Script, questions: Sequence[Question]
) -> list[Any] | Exception:
    try:
        return await server.ask(script, questions)
    except (RedisError, OSError, RuntimeError) as error:
        return error


def _entry(channel: str, epoch: str, offset: int | bytes, packed: bytes) -> Entry:
    kind, job, *rest = unpack(_ARRAY_OF_6 + packed)
    record = Record(channel, kind.decode(), job.decode(), *rest)
    return Entry(record, Position(epoch, int(offset)))
