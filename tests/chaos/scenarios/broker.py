"""Faults of the broker alone."""

from __future__ import annotations

import asyncio

from tests.chaos.flags import BROKER_REPEATS
from tests.chaos.scenario import Scenario

_MORE_THAN_THREADS = 14


class BrokerDown(Scenario):
    """The broker is out of reach when jobs are submitted, and for a while after."""

    async def disturb(self) -> None:
        await self.there(self.cluster.broker_link.refuse)
        for _ in range(4):
            self.follow("sse", await self.submit())
        await asyncio.sleep(self.scale.outage)
        await self.there(self.cluster.broker_link.accept)


class EmptyBroker(Scenario):
    """The broker forgets every message, of jobs that wait and of jobs that run."""

    async def disturb(self) -> None:
        gate = await self.hold(_MORE_THAN_THREADS)
        await self.there(self.cluster.flush_broker)
        gate.touch()


class RepeatingBroker(Scenario):
    """Every message of the broker comes twice."""

    async def disturb(self) -> None:
        self.cluster.flags.put(BROKER_REPEATS)
        await self.known()
