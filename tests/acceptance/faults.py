"""What the tests of faults share: a scenario in its short form, and its line."""

from __future__ import annotations

import sys

from tests.chaos.campaign import SHORT, Turn, play
from tests.chaos.cluster import Cluster
from tests.chaos.scenario import Scenario

SEED = 1


def withstands(cluster: Cluster, scenario: type[Scenario]) -> None:
    """Play a scenario; fails with all that was seen unless no client missed anything."""
    said: list[str] = []
    tally = play(Turn(scenario, SEED, SHORT), cluster, say=said.append)
    sys.stdout.write(f"{said[0]}\n")
    assert tally.good, "\n".join(said)
