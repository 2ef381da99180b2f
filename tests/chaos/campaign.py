"""Plays scenarios, prints the line of each, and says what is needed to play it again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.cluster import Cluster
from tests.chaos.scenario import Scale, Scenario
from tests.chaos.tally import Tally

#: Much enough to hit, and little enough for a test.
SHORT = Scale(jobs=40, crowd=500, outage=2.0)
_SHOWN, _LOG = 12, 3000


@dataclass(frozen=True)
class Turn:
    """One scenario with its seed, on its scale."""

    scenario: type[Scenario]
    seed: int
    scale: Scale

    def __str__(self) -> str:
        return f"{self.scenario.__name__} (seed {self.seed}, {self.scale.jobs} jobs)"


def turns(scenarios: Sequence[type[Scenario]], seed: int) -> Iterator[Turn]:
    """Scenarios without end, in random order and on random scales: the same for the same seed."""
    chance = random.Random(seed)
    while True:
        for scenario in chance.sample(scenarios, len(scenarios)):
            scale = Scale(
                jobs=chance.randint(40, 200),
                crowd=chance.randint(100, 500),
                outage=chance.choice([1.0, 3.0, 10.0, 60.0]),
            )
            yield Turn(scenario, chance.getrandbits(32), scale)


def play(turn: Turn, cluster: Cluster, say: Callable[[str], None]) -> Tally:
    """Play one scenario, and say how it went; what it raises is a problem."""
    began, printed = time.monotonic(), len(cluster.log)
    try:
        tally = asyncio.run(turn.scenario(cluster, turn.seed, turn.scale).run())
    except Exception as error:
        tally = Tally(problems=[f"{type(error).__name__}: {error}"])
    say(f"{turn} took {time.monotonic() - began:.1f} s: {tally}")
    if not tally.good:
        for problem in tally.problems[:_SHOWN]:
            say(f"  {problem}")
        say(f"  the processes' logs, in {cluster.folder}, end with:")
        say(cluster.log[printed:][-_LOG:])
    return tally
