"""Membership: the groups of the Channels layer that this process is in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Container, Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol

from pushjobs.events import Entry

logger = logging.getLogger(__name__)

#: Calls of the layer at once: some of its backends have a hundred connections and no more.
_AT_ONCE = 50


class Mailbox(Protocol):
    """What the hub needs of the Channels layer."""

    async def attend(self) -> None: ...
    async def join(self, channel: str) -> None: ...
    async def leave(self, channel: str) -> None: ...
    async def receive(self, served: Container[str]) -> Mapping[str, Sequence[Entry]]: ...


class Membership:
    """Joins and leaves, one after the other and many channels at once.

    A layer that is out of reach is no reason to wait or to fail: the sweep reads the log anyway.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._lock = asyncio.Lock()

    async def join(self, names: Iterable[str]) -> None:
        """Hear of these channels from now on, and of all by the bell for many."""
        async with self._lock:
            errors = await _some_at_once([self._mailbox.attend(), *map(self._mailbox.join, names)])
        for error in islice(errors, 1):
            logger.warning("the channel layer let no one join: %s", error)

    async def leave(self, names: Iterable[str], served: Container[str]) -> None:
        """Hear of these channels no more, but for those that are served again by then."""
        async with self._lock:
            await _some_at_once([self._mailbox.leave(name) for name in names if name not in served])


async def _some_at_once(calls: Iterable[Awaitable[None]]) -> list[BaseException]:
    """Await the calls; gives what they raise."""
    waiting = iter(calls)
    errors: list[BaseException] = []
    while batch := list(islice(waiting, _AT_ONCE)):
        errors += filter(None, await asyncio.gather(*batch, return_exceptions=True))
    return errors
