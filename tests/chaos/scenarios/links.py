"""Faults of the connections between processes and stores."""

from __future__ import annotations

import asyncio

from tests.chaos.scenario import Scenario


class CutLinks(Scenario):
    """All connections to all stores are reset at once, several times."""

    async def disturb(self) -> None:
        gate = await self.hold(6)
        for _ in range(3):
            for link in (
                self.cluster.log_link,
                self.cluster.broker_link,
                self.cluster.database_link,
            ):
                await self.there(link.cut)
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))
        gate.touch()


class SlowLinks(Scenario):
    """Each word to or from a store is late."""

    async def disturb(self) -> None:
        for link in (self.cluster.log_link, self.cluster.broker_link, self.cluster.database_link):
            link.delay = self.chance.uniform(0.01, 0.05)
        await self.known()
