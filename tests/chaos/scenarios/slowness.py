"""One client that reads at 1 KB/s beside fast ones."""

from __future__ import annotations

from tests.chaos.evidence import Asked
from tests.chaos.proxy import Proxy
from tests.chaos.scenario import Scenario
from tests.chaos.speech import speech
from tests.chaos.transports import Entrance

_FAST = 10
_RATE = 1024.0
_CHUNKS, _SIZE, _PAUSE = 150, 15_000, 0.01


class SlowReader(Scenario):
    """The fast ones know the end while the slow one is far from it; it learns all when it can.

    It is cut off, since more waits for it than its backlog may hold, and resumes.
    """

    async def disturb(self) -> None:
        network, port = self.cluster.network, self.cluster.web_ports[0]
        narrow = await self.there(Proxy, network, ("127.0.0.1", port), rate=_RATE)
        try:
            document = await self.submitter.submit(
                "chaos.pour", chunks=_CHUNKS, size=_SIZE, pause=_PAUSE
            )
            self.asked[document["id"]] = Asked(speech=speech(_CHUNKS, _SIZE))
            transport = self.chance.choice(["sse", "websocket"])
            (slow,) = self.follow_at([Entrance(narrow.port, self.http)], transport, document)
            await self.until(lambda: bool(slow.seen), "the slow one to be connected")
            fast = [
                history
                for number in range(_FAST)
                for history in self.follow(("sse", "websocket")[number % 2], document)
            ]
            await self.until(lambda: all(history.over for history in fast), "the fast ones")
            assert not slow.over, "the slow one was not slow"
            narrow.rate = None
            await self.until(lambda: slow.told_over, "the slow one")
        finally:
            await self.there(narrow.close)
