"""``pushjobs.heap``: what is there when a process has started is not walked again."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from dramatiq import get_broker

from pushjobs import heap
from pushjobs.lifespan import WebProcess
from pushjobs.worker import WorkerServices


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_it_is_frozen_once() -> None:
    heap.freeze()
    frozen = gc.get_freeze_count()
    assert frozen > 100_000, "Django and its modules are there"
    later = [[] for _ in range(1000)]
    heap.freeze()
    assert gc.get_freeze_count() <= frozen
    del later


async def test_a_web_process_freezes_what_it_has_loaded() -> None:
    process = WebProcess()
    await process.start()
    assert gc.get_freeze_count()
    await process.stop()


def test_a_worker_process_freezes_what_it_has_loaded() -> None:
    services = WorkerServices()
    services.after_worker_boot(get_broker(), None)
    try:
        assert gc.get_freeze_count()
    finally:
        services.before_worker_shutdown(get_broker(), None)
        services.after_worker_shutdown(get_broker(), None)
