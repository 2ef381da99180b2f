"""Faults of web processes."""

from __future__ import annotations

import asyncio

from tests.chaos.cluster import kill
from tests.chaos.scenario import Scenario


class KilledWeb(Scenario):
    """``kill -9`` of a web process with clients on it, and a new one in its place."""

    async def disturb(self) -> None:
        number = self.chance.randrange(2)
        gate = await self.hold(6)
        kill(self.cluster.web(number))
        await asyncio.sleep(self.chance.uniform(0, self.scale.outage))
        await self.there(self.cluster.start_web, number)
        gate.touch()
