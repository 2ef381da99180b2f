"""Faults of PostgreSQL."""

from __future__ import annotations

from tests.chaos.scenario import Scenario


class RestartedPostgres(Scenario):
    """PostgreSQL breaks all connections and comes back, while jobs run."""

    async def disturb(self) -> None:
        gate = await self.hold(6)
        await self.there(self.cluster.database.restart)
        gate.touch()
