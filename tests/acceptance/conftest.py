"""The cluster that faults are done to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.cluster import Cluster, running_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """It costs even while nothing is done to it, so it ends with its module."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
