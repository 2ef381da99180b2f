"""Faults of the Channels layer alone."""

from __future__ import annotations

from tests.chaos.cluster import SWEEP_INTERVAL
from tests.chaos.evidence import Evidence
from tests.chaos.flags import LAYER_DROPS, LAYER_REPEATS
from tests.chaos.scenario import Scenario
from tests.chaos.tally import Tally
from tests.chaos.transports import STREAMS

_ALLOWANCE = 1.0


class SilentLayer(Scenario):
    """The layer drops every message: each client knows within a sweep, and a second.

    Measured from the end by the database's clock to the client's knowing by that of the same
    machine, on a few jobs in a quiet moment.
    """

    async def load(self) -> None:
        """None: this one is about time."""

    async def disturb(self) -> None:
        self.cluster.flags.put(LAYER_DROPS)
        gate = self.gate()
        for transport in STREAMS:
            document = await self.submit(ending="succeed", gate=str(gate))
            for _ in range(3):
                self.follow(transport, document)
        await self.until(self._started, "all to be connected")
        gate.touch()
        await self.known()

    def _started(self) -> bool:
        return all(
            any(item.type == "job.started" for item in history.seen) for history in self.histories
        )

    def verify(self, evidence: Evidence, tally: Tally) -> None:
        if tally.longest > SWEEP_INTERVAL + _ALLOWANCE:
            tally.problem(f"a client knew after {tally.longest:.2f} s")


class RepeatingLayer(Scenario):
    """The layer carries every message twice."""

    async def disturb(self) -> None:
        self.cluster.flags.put(LAYER_REPEATS)
        await self.known()
