"""Cursors: opaque positions in one or more channels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2s
from typing import NamedTuple

from pushjobs.exceptions import InvalidCursor

EARLIEST = "earliest"

_PART = re.compile(r"([0-9a-f]{8})\.([0-9A-Za-z_-]{1,32})\.([0-9]{1,18})", re.ASCII)
_UNKNOWN = "-"


class Position(NamedTuple):
    """A place in one channel of the log: the last offset seen, counted from 1 within an epoch.

    The epoch changes when the channel starts afresh; offsets of two epochs do not compare.
    """

    epoch: str
    offset: int

    def precedes(self, other: Position) -> bool:
        """Whether ``other`` comes right after this."""
        return other.epoch == self.epoch and other.offset == self.offset + 1

    def covers(self, other: Position) -> bool:
        """Whether who stands here has seen ``other``."""
        return other.epoch == self.epoch and other.offset <= self.offset


@lru_cache(maxsize=16384)
def _fingerprint(channel: str) -> str:
    """Ties a cursor to its channel, so that one of another channel is noticed."""
    return blake2s(channel.encode(), digest_size=4).hexdigest()


class Start(NamedTuple):
    """Where to begin in one channel: after a position, or with ``earliest`` all that the log holds.

    Without either there is nothing to go on from.
    """

    position: Position | None = None
    earliest: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to begin in each of some channels, in their order."""

    starts: tuple[Start, ...]

    @classmethod
    def decode(cls, text: str | None, channels: Sequence[str]) -> Cursor:
        """Read a cursor of ``channels``, or none; raises ``InvalidCursor`` for any other text.

        ``earliest`` alone is that of each.
        """
        if not text:
            return cls((Start(),) * len(channels))
        if text == EARLIEST:
            return cls((Start(earliest=True),) * len(channels))
        parts = text.split("~") if len(text) <= 128 * max(1, len(channels)) else []
        if len(parts) != len(channels):
            raise InvalidCursor(
                f"a cursor of {len(channels)} channel(s) was expected, in the order of the request"
            )
        return cls(tuple(_decode_one(*pair) for pair in zip(parts, channels, strict=True)))

    @staticmethod
    def encode_one(channel: str, position: Position | None) -> str:
        if position is None:
            return _UNKNOWN
        return f"{_fingerprint(channel)}.{position.epoch}.{position.offset}"

    @staticmethod
    def join(parts: Iterable[str]) -> str:
        """The cursor of many channels, from the cursor of each."""
        return "~".join(parts)


def _decode_one(text: str, channel: str) -> Start:
    if text == _UNKNOWN:
        return Start()
    if text == EARLIEST:
        return Start(earliest=True)
    match = _PART.fullmatch(text)
    if match is None:
        raise InvalidCursor("the cursor is not one that this service gives out")
    fingerprint, epoch, offset = match.groups()
    if fingerprint != _fingerprint(channel):
        raise InvalidCursor("the cursor belongs to another channel")
    return Start(Position(epoch, int(offset)))
