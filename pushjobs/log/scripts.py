"""The log's Lua scripts, and the servers that run them.

Many channels are asked in one call, and many calls are made in one round trip.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b, sha1
from importlib.resources import files
from typing import Any, NamedTuple

import msgpack
from redis.exceptions import ClusterCrossSlotError, NoScriptError
from redis.exceptions import ConnectionError as RedisConnectionError

from pushjobs.conf import settings
from pushjobs.log.connections import Connections

#: A connection that is gone; uvloop calls a write to one that was just reset a RuntimeError.
_GONE = (RedisConnectionError, RuntimeError)
#: A server does nothing else while a script runs, so that a call is to take it milliseconds.
_CALL_BYTES = 128 * 1024


class Script:
    """A Lua script, called by its hash, for ``most`` channels at once."""

    def __init__(self, name: str, most: int) -> None:
        self.text = _source("open.lua") + _source(name)
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        self.most = most


def _source(name: str) -> str:
    return files(__package__).joinpath(name).read_text()


APPEND, HEAD, READ = Script("append.lua", 128), Script("head.lua", 256), Script("read.lua", 16)


class Question(NamedTuple):
    """What is asked of one channel; its values are of about ``size`` bytes."""

    channel: str
    asked: Sequence[Any]
    size: int = 0


class Server:
    """A server of the log, for one event loop."""

    def __init__(self, url: str) -> None:
        self._connections = Connections(url)
        #: A node of a cluster, which takes no call for channels of several slots.
        self._clustered = False

    async def ask(self, script: Script, questions: Sequence[Question]) -> list[Any]:
        """The answers to all questions, in their order, as the script gives them.

        A channel is asked once, in one step.

        Raises what the client raises. Calls that may have been made are made again: that does no
        harm.
        """
        try:
            return await self._answers(script, questions)
        except ClusterCrossSlotError:
            self._clustered = True
        return await self._answers(script, questions)

    async def close(self) -> None:
        await self._connections.close()

    async def _answers(self, script: Script, questions: Sequence[Question]) -> list[Any]:
        calls = [
            _arguments(share) for share in _shares(questions, 1 if self._clustered else script.most)
        ]
        try:
            replies = await self._made(script, calls)
        except _GONE:  # A connection from before a restart.
            replies = await self._made(script, calls)
        unknown = [place for place, reply in enumerate(replies) if _is_unknown(reply)]
        if unknown:  # The server is new, or was restarted.
            texts = await self._made(script, [calls[place] for place in unknown], by_text=True)
            for place, reply in zip(unknown, texts, strict=True):
                replies[place] = reply
        answers: list[Any] = []
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
            answers += unpack(reply)
        return answers

    async def _made(
        self, script: Script, calls: Sequence[Sequence[Any]], *, by_text: bool = False
    ) -> list[Any]:
        call = (b"EVAL", script.text) if by_text else (b"EVALSHA", script.sha)
        return await self._connections.call([(*call, *arguments) for arguments in calls])


def _is_unknown(reply: Any) -> bool:
    return isinstance(reply, NoScriptError)


def _shares(questions: Sequence[Question], most: int) -> Iterator[Sequence[Question]]:
    """The questions of each call: no more than ``most``, and not too large."""
    start = size = 0
    for place, question in enumerate(questions):
        if place > start and (place - start == most or size >= _CALL_BYTES):
            yield questions[start:place]
            start, size = place, 0
        size += question.size
    yield questions[start:]


def _arguments(questions: Sequence[Question]) -> list[Any]:
    keys = [key for question in questions for key in keys_of(question.channel)]
    return [
        len(keys),
        *keys,
        b"%08x" % random.getrandbits(32),  # No secret; and no system call for each.
        int(1000 * settings.LOG_MAX_AGE),
        settings.LOG_MAX_EVENTS,
        settings.LOG_MAX_BYTES,
        _pack([value for question in questions for value in question.asked]),
    ]


@lru_cache(maxsize=16384)
def keys_of(channel: str) -> tuple[bytes, bytes]:
    """Keys of one slot, whatever characters the channel's name has: its state and its stream.

    The number is that of their layout. Two that differ may share neither key, or each would find
    the other's entries in its stream, and could add none.
    """
    tag = blake2b(channel.encode(), digest_size=16).hexdigest().encode()
    return b"pushjobs:2:{%b}:state" % tag, b"pushjobs:2:{%b}:stream" % tag


def _pack(values: Sequence[Any]) -> bytes:
    """Values one after the other, in MessagePack: an array without what says how long it is."""
    # Redis' own MessagePack is older than the type for bytes.
    packed: bytes = msgpack.packb(values, use_bin_type=False)
    return packed[1 if len(values) < 16 else 3 if len(values) < 65536 else 5 :]


def unpack(packed: bytes) -> Any:
    """What a script has packed: all its text as bytes."""
    return msgpack.unpackb(packed, raw=True)
