"""The death of the relay's process in the middle of its work."""

from __future__ import annotations

from typing import ClassVar

from tests.chaos.deathpoints import POINTS
from tests.chaos.flags import RELAY_DIES
from tests.chaos.scenario import Scenario


class KilledRelay(Scenario):
    """``kill -9`` before and after each change, message and announcement that a relay makes.

    Whichever relay comes to the point first dies there, and its worker with it.
    """

    points: ClassVar[tuple[str, ...]] = POINTS

    async def disturb(self) -> None:
        for point in self.chance.sample(self.points, len(self.points)):
            self.cluster.flags.put(RELAY_DIES, point)
            # A job that is to be tried again is the relay's: it queues, sends and announces it.
            self.follow("websocket", await self.submit(ending="recover", steps=1))
            await self.until(lambda: not self.cluster.flags.raised(RELAY_DIES), f"death {point}")
            await self.until(self._died, "a worker that has died")
            for number, worker in enumerate(self.cluster.workers):
                if worker.poll() is not None:
                    await self.there(self.cluster.start_worker, number)

    def _died(self) -> bool:
        return any(worker.poll() is not None for worker in self.cluster.workers)
