"""``pushjobs.publisher`` when its event loop changes in the middle of its work."""

from __future__ import annotations

import asyncio

from pushjobs import loop
from pushjobs.events import EventType
from tests.unit.conftest import Configure
from tests.unit.loops import running_loop
from tests.unit.records import output
from tests.unit.test_publisher import Desk


def test_what_waits_when_the_old_loop_has_ended_is_told_on_the_new_one() -> None:
    desk = Desk()
    loop.on_bind(desk.publisher.rebind)
    with running_loop() as first:
        loop.bind(first)
        desk.log.failures = 1_000_000
        desk.status(1)
        assert not desk.publisher.flush(0.01)
    desk.log.failures = 0
    with running_loop() as second:
        loop.bind(second)
        assert desk.publisher.flush(20)
        assert asyncio.run(desk.told()) == ["started"]


def test_a_batch_under_way_on_the_old_loop_takes_nothing_with_it() -> None:
    """A server binds its loop while the loop that a thread ran before is still at work."""
    desk = Desk()
    loop.on_bind(desk.publisher.rebind)
    with running_loop() as first, running_loop() as second:
        loop.bind(first)
        desk.log.held = asyncio.Event()
        desk.status(1)
        asyncio.run_coroutine_threadsafe(_until(lambda: desk.log.batches == [1]), first).result(20)
        held, desk.log.held = desk.log.held, None
        loop.bind(second)
        desk.status(2)
        desk.status(3)
        assert desk.publisher.flush(20)
        first.call_soon_threadsafe(held.set)
        asyncio.run_coroutine_threadsafe(_until(_others_are_done), first).result(20)
        desk.status(4, EventType.SUCCEEDED)
        assert desk.publisher.flush(20)
    assert asyncio.run(desk.told()) == ["started", "started", "started", "succeeded"]
    assert {version for _, version in desk.published} == {1, 2, 3, 4}


def test_what_is_held_back_when_the_loop_changes_is_told_on_the_new_one(
    configure: Configure,
) -> None:
    configure(OUTPUT_INTERVAL=0.2)
    desk = Desk()
    loop.on_bind(desk.publisher.rebind)
    with running_loop() as first:
        loop.bind(first)
        desk.say(output("a"), output("b"))
    with running_loop() as second:
        loop.bind(second)

        async def until_told() -> None:
            while await desk.told() != ["output: a", "output: b"]:
                await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(until_told(), second).result(20)


def test_a_loop_that_was_closed_is_replaced_and_what_is_said_then_is_told() -> None:
    desk = Desk()
    loop.on_bind(desk.publisher.rebind)
    with running_loop() as first:
        loop.bind(first)
        desk.log.held = asyncio.Event()
        desk.status(1)
        asyncio.run_coroutine_threadsafe(_until(lambda: desk.log.batches == [1]), first).result(20)
    desk.log.held = None
    desk.status(2)
    assert desk.publisher.flush(5)
    assert asyncio.run(desk.told()) == ["started", "started"]


async def _until(holds: object) -> None:
    while not holds():  # type: ignore[operator]
        await asyncio.sleep(0.001)


def _others_are_done() -> bool:
    return len(asyncio.all_tasks()) == 1
