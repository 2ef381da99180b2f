"""``pushjobs.transports.lifetime``: one task reads what comes, and can be told to stop."""

from __future__ import annotations

import asyncio

import pytest

from pushjobs.transports.lifetime import Lifetime


async def read(lifetime: Lifetime, left: list[str], item: asyncio.Future[None]) -> str:
    try:
        async with lifetime:
            await item
            left.append("read")
    finally:
        left.append("left")
    await asyncio.sleep(0)  # Nothing of the end may hit what comes after it.
    return "after"


async def begun(
    lifetime: Lifetime, left: list[str]
) -> tuple[asyncio.Task[str], asyncio.Future[None]]:
    item: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(read(lifetime, left, item))
    await asyncio.sleep(0)
    return task, item


async def test_it_ends_whatever_it_waits_for() -> None:
    lifetime, left = Lifetime(), list[str]()
    task, _ = await begun(lifetime, left)
    assert lifetime.begun
    lifetime.end()
    lifetime.end()
    assert await task == "after"
    assert (left, lifetime.over, task.cancelling()) == (["left"], True, 0)


async def test_it_ends_by_itself_with_what_it_does() -> None:
    lifetime, left = Lifetime(), list[str]()
    task, item = await begun(lifetime, left)
    item.set_result(None)
    assert await task == "after"
    assert (left, lifetime.over) == (["read", "left"], True)
    lifetime.end()


async def test_what_ended_before_it_began_ends_at_the_first_wait() -> None:
    lifetime, left = Lifetime(), list[str]()
    lifetime.end()
    task, _ = await begun(lifetime, left)
    assert await task == "after"
    assert left == ["left"]


async def test_an_end_that_comes_as_it_leaves_hits_nothing_else() -> None:
    lifetime, left = Lifetime(), list[str]()
    task, item = await begun(lifetime, left)
    item.set_result(None)
    await asyncio.sleep(0)
    lifetime.end()
    assert await task == "after"
    assert task.cancelling() == 0


async def test_a_task_that_ends_its_own_lifetime_and_never_waits_is_not_cancelled_later() -> None:
    async def serve() -> str:
        lifetime = Lifetime()
        async with lifetime:
            lifetime.end()
        await asyncio.sleep(0)
        return "after"

    assert await asyncio.ensure_future(serve()) == "after"


async def test_what_else_cancels_the_task_goes_on_to_do_so() -> None:
    lifetime, left = Lifetime(), list[str]()
    task, _ = await begun(lifetime, left)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left == ["left"]


async def test_both_at_once_cancel_the_task() -> None:
    lifetime, left = Lifetime(), list[str]()
    task, _ = await begun(lifetime, left)
    lifetime.end()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_inside_is_not_taken_for_the_end() -> None:
    async def serve() -> None:
        lifetime = Lifetime()
        async with lifetime:
            lifetime.end()
            raise KeyError

    with pytest.raises(KeyError):
        await serve()
    await asyncio.sleep(0)
