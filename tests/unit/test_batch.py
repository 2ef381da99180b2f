"""``pushjobs.batch``: one call at a time, for all that was asked for meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pushjobs.batch import Batch
from tests.unit.faults import turns


class Loader:
    """Answers a call once it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.let_go = asyncio.Semaphore(0)

    async def load(self, keys: list[int]) -> Mapping[int, str]:
        self.calls.append(keys)
        await self.let_go.acquire()
        return {key: str(key) for key in keys}


async def test_what_is_asked_for_while_a_call_is_under_way_goes_with_the_next() -> None:
    loader = Loader()
    batch = Batch(loader.load, 10)
    asked = []
    for key in range(5):  # Each in a turn of its own.
        asked.append(asyncio.ensure_future(batch.get(key)))
        await turns(3)
    assert loader.calls == [[0]]
    loader.let_go.release()
    loader.let_go.release()
    assert await asyncio.gather(*asked) == ["0", "1", "2", "3", "4"]
    assert loader.calls == [[0], [1, 2, 3, 4]]


def test_what_a_loop_of_before_waited_for_is_no_matter_to_the_next_one() -> None:
    async def load(keys: list[int]) -> Mapping[int, str]:
        if 1 in keys:
            await asyncio.Event().wait()
        return {key: str(key) for key in keys}

    async def ask(key: int) -> str | None:
        async with asyncio.timeout(10):
            return await batch.get(key)

    batch = Batch(load, 10)
    with asyncio.Runner() as before:
        loop = before.get_loop()
        left = [loop.create_task(batch.get(1))]
        before.run(turns(5))  # It is being loaded.
        left.append(loop.create_task(batch.get(2)))
        before.run(turns(5))  # It waits for that.
        with asyncio.Runner() as after:
            assert after.run(ask(3)) == "3"
        before.run(turns(5))
        assert not any(task.done() for task in left), "answered from another loop"
