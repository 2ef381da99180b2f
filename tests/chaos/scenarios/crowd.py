"""A crowd of clients that all come back at once."""

from __future__ import annotations

from tests.chaos.evidence import Evidence
from tests.chaos.scenario import Scenario
from tests.chaos.tally import Tally
from tests.chaos.transports import STREAMS

_JOBS = 12


class Stampede(Scenario):
    """Every connection of some hundred clients is cut in the same moment."""

    async def load(self) -> None:
        """A few jobs that many follow."""

    async def disturb(self) -> None:
        gate = self.gate()
        documents = [await self.submit(ending="succeed", gate=str(gate)) for _ in range(_JOBS)]
        crowd = [
            history
            for number in range(self.scale.crowd)
            for history in self.follow(self.chance.choice(list(STREAMS)), documents[number % _JOBS])
        ]
        await self.until(lambda: all(history.seen for history in crowd), "all to be connected")
        self.cut = sum([door.cut() for door in self.cluster.doors])
        gate.touch()

    def verify(self, evidence: Evidence, tally: Tally) -> None:
        # Those that ask for pages may be between two of them.
        if self.cut < self.scale.crowd / 2:
            tally.problem(f"of {self.scale.crowd} clients only {self.cut} were cut off")
