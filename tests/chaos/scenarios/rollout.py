"""A rolling restart of all processes."""

from __future__ import annotations

import signal

from tests.chaos.cluster import Process
from tests.chaos.scenario import Scenario

_EXIT = 30.0


class RollingRestart(Scenario):
    """SIGTERM to one process after the other under load; no client sees more than a go-away.

    Clients connect without the proxies, which take a connection before they know that no one
    answers, and use each connection for one request, as behind a load balancer that drains.
    """

    gentle = True
    spread = 12.0

    @property
    def ports(self) -> list[int]:
        return self.cluster.web_ports

    @property
    def keepalive(self) -> int:
        return 0

    async def disturb(self) -> None:
        for number in range(2):
            await self._end(self.cluster.web(number))
            await self.there(self.cluster.start_web, number)
            await self._end(self.cluster.workers[number])
            await self.there(self.cluster.start_worker, number)

    async def _end(self, process: Process) -> None:
        process.send_signal(signal.SIGTERM)
        await self.there(process.wait, _EXIT)
