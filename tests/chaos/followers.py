"""Clients that follow jobs to their end, whatever breaks: they come back with their cursor."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from tests.chaos.history import History
from tests.chaos.transports import STREAMS, TRANSPORTS, Broken, Entrance, Unreachable

_BACKOFF, _BACKOFF_MAX = 0.2, 2.0


class Follower:
    """One client. It goes on with another web process after each break, often by another transport.

    Backs off as ``docs/protocol.md`` says, only faster.
    """

    def __init__(
        self,
        histories: Sequence[History],
        transport: str,
        entrances: Sequence[Entrance],
        chance: random.Random,
    ) -> None:
        self.histories = histories
        self.transport = transport
        self._entrances = entrances
        self._chance = chance
        self._place = chance.randrange(len(entrances))

    async def follow(self) -> None:
        """Follow until it is told that each of its jobs is over."""
        pause = _BACKOFF
        while not self._done():
            told = sum(len(history.seen) for history in self.histories)
            try:
                entrance = self._entrances[self._place % len(self._entrances)]
                after = await TRANSPORTS[self.transport](entrance, self.histories)
            except Broken as broken:
                after = broken.after
                if not isinstance(broken, Unreachable):
                    for history in self.histories:
                        history.broke(f"{self.transport}: {broken}")
                self._place += 1
                self._change_transport()
            if self._done():
                return
            if sum(len(history.seen) for history in self.histories) > told:
                pause = _BACKOFF
            await asyncio.sleep((after or pause) * self._chance.uniform(0.5, 1))
            pause = min(2 * pause, _BACKOFF_MAX)

    def _done(self) -> bool:
        if self.transport == "documents":
            return all(history.over for history in self.histories)
        return all(history.told_over for history in self.histories)

    def _change_transport(self) -> None:
        """Half of those that follow one job's events go on by another transport."""
        if self.transport in STREAMS and len(self.histories) == 1 and self._chance.random() < 0.5:
            self.transport = self._chance.choice(list(STREAMS))
