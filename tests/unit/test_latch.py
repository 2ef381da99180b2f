"""A latch and an inbox do what ``asyncio.Event`` and ``asyncio.Queue`` do."""

from __future__ import annotations

import asyncio

import pytest

from pushjobs.inbox import Inbox
from pushjobs.latch import Latch


async def waiting(*tasks: asyncio.Task[None]) -> list[bool]:
    """Which of the tasks still wait, once each has had its turn."""
    for _ in range(3):
        await asyncio.sleep(0)
    return [not task.done() for task in tasks]


async def test_all_who_wait_go_on_when_it_is_set() -> None:
    latch = Latch()
    tasks = [asyncio.create_task(latch.wait()) for _ in range(2)]
    assert await waiting(*tasks) == [True, True]
    latch.set()
    latch.clear()  # Who was let go is let go.
    assert await waiting(*tasks) == [False, False]
    assert not latch.is_set()


async def test_who_gives_up_does_not_stop_the_others() -> None:
    latch = Latch()
    one, other = (asyncio.create_task(latch.wait()) for _ in range(2))
    await waiting()
    one.cancel()
    latch.set()
    assert await waiting(other) == [False]
    with pytest.raises(asyncio.CancelledError):
        await one
    await latch.wait()


async def test_those_who_gave_up_are_forgotten() -> None:
    latch = Latch()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await latch.wait()
    assert latch._waiters == ()


async def test_what_is_put_is_got_in_order() -> None:
    inbox: Inbox[int] = Inbox()
    reader = asyncio.create_task(inbox.get())
    await waiting()
    for number in (1, 2, 3):
        inbox.put_nowait(number)
    assert [await reader, await inbox.get(), await inbox.get()] == [1, 2, 3]
    assert inbox.empty()


async def test_who_gives_up_reading_loses_nothing() -> None:
    inbox: Inbox[int] = Inbox()
    reader = asyncio.create_task(inbox.get())
    await waiting()
    inbox.put_nowait(1)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await inbox.get() == 1
