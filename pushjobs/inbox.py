"""An inbox: what ``asyncio.Queue`` is for one reader, for who has thousands that lie empty."""

from __future__ import annotations

from typing import Generic, TypeVar

from pushjobs.latch import Latch

T = TypeVar("T")


class Inbox(Generic[T]):
    """As ``asyncio.Queue`` without a bound, in some 200 bytes instead of three kilobytes."""

    __slots__ = ("_items", "_latch")

    def __init__(self) -> None:
        self._items: list[T] = []
        self._latch = Latch()

    def empty(self) -> bool:
        return not self._items

    def put_nowait(self, item: T) -> None:
        self._items.append(item)
        self._latch.set()

    async def get(self) -> T:
        while not self._items:
            self._latch.clear()
            await self._latch.wait()
        return self._items.pop(0)
