"""Faults of Redis: of the log, the layer and the broker at once."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from tests.chaos.evidence import Evidence
from tests.chaos.scenario import Scenario
from tests.chaos.tally import Tally

_HELD = 12


class EmptyRedis(Scenario):
    """Redis is killed and comes back with nothing in memory."""

    async def disturb(self) -> None:
        gate = await self.hold(_HELD)
        await self.there(self.cluster.restart_redis)
        gate.touch()


class DeafRedis(Scenario):
    """``CLIENT KILL`` of all pub/sub connections, again and again."""

    async def disturb(self) -> None:
        gate = await self.hold(_HELD)
        self.killed = 0
        for _ in range(3):
            self.killed += await self.there(self.cluster.kill_subscriptions)
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))
        gate.touch()

    def verify(self, evidence: Evidence, tally: Tally) -> None:
        if not self.killed:
            tally.problem("there was no pub/sub connection to kill")


class HalfOpenRedis(Scenario):
    """All connections to Redis die without a word, and only new ones work."""

    log_away: ClassVar[bool] = True

    async def disturb(self) -> None:
        gate = await self.hold(_HELD)
        self.stranded = await self.there(self.cluster.log_link.strand)
        gate.touch()
        await self.known()
        await self.there(self.cluster.log_link.cut)
