"""Faults of worker processes."""

from __future__ import annotations

import signal

from tests.chaos.cluster import kill, send
from tests.chaos.evidence import Evidence
from tests.chaos.scenario import Scenario
from tests.chaos.tally import Tally

#: Fewer than the threads of one worker, so that it can take over all of them.
_HELD = 3
_HOUR = 3600


class KilledWorker(Scenario):
    """``kill -9`` of a worker with jobs in hand, and a new one in its place."""

    async def disturb(self) -> None:
        gate = await self.hold(_HELD)
        number, self.in_hand = await self.at_work()
        kill(self.cluster.workers[number])
        await self.there(self.cluster.start_worker, number)
        gate.touch()

    def verify(self, evidence: Evidence, tally: Tally) -> None:
        again = [job for job in self.in_hand if evidence.rows[job].attempt > 1]
        if not again:
            tally.problem("no job of the killed worker ran again")


class PausedWorker(Scenario):
    """A worker is stopped past its leases, and goes on when others run its jobs or have run them.

    Its attempts may run on, but neither end their jobs nor add to their logs.
    """

    overlap = True

    async def disturb(self) -> None:
        gate = await self.hold(_HELD)
        number, self.in_hand = await self.at_work()
        worker = self.cluster.workers[number]
        send(worker, signal.SIGSTOP)
        await self.until(self._taken_over, "its jobs to run elsewhere")
        if self.chance.random() < 0.5:
            gate.touch()
            await self.until(self._ended, "its jobs to end elsewhere")
        send(worker, signal.SIGCONT)
        gate.touch()

    def verify(self, evidence: Evidence, tally: Tally) -> None:
        for job in self.in_hand:
            if evidence.rows[job].attempt < 2:
                tally.problem(f"the paused attempt has ended job {job}")

    def _taken_over(self) -> bool:
        rows = self.cluster.database.rows(self.in_hand)
        return all(row.attempt > 1 for row in rows.values())

    def _ended(self) -> bool:
        rows = self.cluster.database.rows(self.in_hand)
        return all(row.status == "succeeded" for row in rows.values())


class WrongClock(Scenario):
    """The clock of one worker is an hour ahead, or behind."""

    async def disturb(self) -> None:
        number = self.chance.randrange(2)
        shift = self.chance.choice([-_HOUR, _HOUR])
        kill(self.cluster.workers[number])
        await self.there(self.cluster.start_worker, number, CHAOS_CLOCK=str(shift))
        worker = self.cluster.workers[number]
        gate = await self.hold(2 * _HELD)
        await self.at_work([number])
        gate.touch()
        for _ in range(_HELD):
            self.follow("sse", await self.submit(ending="recover"))
        await self.known()
        kill(worker)
