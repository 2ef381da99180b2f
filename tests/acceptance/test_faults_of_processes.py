"""Processes are killed, paused and restarted under load; see ``tests/chaos``."""

from __future__ import annotations

import pytest

from tests.acceptance.faults import withstands
from tests.chaos.cluster import Cluster
from tests.chaos.scenario import Scenario
from tests.chaos.scenarios import OF_PROCESSES

pytestmark = pytest.mark.xdist_group("faults-of-processes")


@pytest.mark.parametrize("scenario", OF_PROCESSES, ids=lambda scenario: scenario.__name__)
def test_nothing_is_lost_repeated_or_missed(cluster: Cluster, scenario: type[Scenario]) -> None:
    withstands(cluster, scenario)
