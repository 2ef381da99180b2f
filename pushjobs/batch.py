"""Loads by key, many in one call: what is asked for while a call is under way goes with the next.

So a storm of clients costs a few calls, and a single one no delay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Batch(Generic[Key, Value]):
    """Calls ``load`` with up to ``size`` keys; a key that it does not answer has no value."""

    def __init__(
        self, load: Callable[[list[Key]], Awaitable[Mapping[Key, Value]]], size: int
    ) -> None:
        self._load = load
        self._size = size
        self._waiting: dict[Key, asyncio.Future[Value | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Value | None:
        """The value as it is now, or later; raises what ``load`` raises."""
        return await asyncio.shield(self._asked(key))

    async def get_all(self, keys: Iterable[Key]) -> list[Value | None]:
        """As ``get``, for many keys in their order."""
        return await asyncio.shield(asyncio.gather(*map(self._asked, keys)))

    def _asked(self, key: Key) -> asyncio.Future[Value | None]:
        running = asyncio.get_running_loop()
        future = self._waiting.get(key)
        if future is None or future.get_loop() is not running:
            future = self._waiting[key] = running.create_future()
            task = self._task
            if task is None or task.done() or task.get_loop() is not running:
                self._task = running.create_task(self._run())
        return future

    async def _run(self) -> None:
        running = asyncio.get_running_loop()
        await asyncio.sleep(0)
        while self._waiting:
            keys = list(self._waiting)[: self._size]
            futures = {key: self._waiting.pop(key) for key in keys}
            # One of a loop of before has no one left who waits for it.
            futures = {key: it for key, it in futures.items() if it.get_loop() is running}
            try:
                found = await self._load(keys)
            except BaseException as error:
                for future in futures.values():
                    if not future.done():
                        future.set_exception(error)
                        future.exception()  # If no one waits any more, no one need know.
                if not isinstance(error, Exception):
                    raise
                continue
            for key, future in futures.items():
                if not future.done():
                    future.set_result(found.get(key))
