"""Stores are killed, emptied, cut off and restarted under load; see ``tests/chaos``."""

from __future__ import annotations

import pytest

from tests.acceptance.faults import withstands
from tests.chaos.cluster import Cluster
from tests.chaos.scenario import Scenario
from tests.chaos.scenarios import OF_STORES

pytestmark = pytest.mark.xdist_group("faults-of-stores")


@pytest.mark.parametrize("scenario", OF_STORES, ids=lambda scenario: scenario.__name__)
def test_nothing_is_lost_repeated_or_missed(cluster: Cluster, scenario: type[Scenario]) -> None:
    withstands(cluster, scenario)
