"""From one connection to the next, until a follower has been told all."""

from __future__ import annotations

import logging

from pushjobs.client.follower import Follower
from pushjobs.client.steps import Broken, Flow, HangUp, Pause, Silent
from pushjobs.client.ways import WAYS

logger = logging.getLogger("pushjobs.client")


def follow(follower: Follower) -> Flow[None]:
    """Tell every event of the channel, each once, until its job is over.

    Raises ``Refused`` where the server will not tell, ``Unreachable`` where it is away for longer
    than the follower's patience, and ``TimeoutError`` at its deadline. The end of a connection is
    never the end of a job.
    """
    ladder = follower.ladder
    while not follower.over:
        if ladder.climb_due:
            ladder.climb()
        transport = ladder.transport
        follower.carried = False
        try:
            wait = yield from WAYS[transport](follower)
        except Broken as broken:
            follower.lost(broken)
            if isinstance(broken, Silent) and not follower.carried:
                broken.leave = True
            wait = ladder.failed(broken)
            logger.info("%s: %s; on with %s in %.1f s", transport, broken, ladder.transport, wait)
        yield HangUp()
        if wait and not follower.over:
            yield Pause(follower.within(wait))
