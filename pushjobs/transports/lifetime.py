"""How long a connection is read from: until it is told to end."""

from __future__ import annotations

import asyncio


class Lifetime:
    """An asynchronous context that can be ended from outside, whatever it waits for.

    With it one task does for a connection: it reads what the client sends, and can be told to stop.
    """

    __slots__ = ("_cancelled", "_handle", "_task", "over")

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._handle: asyncio.Handle | None = None
        self._cancelled = False
        self.over = False

    @property
    def begun(self) -> bool:
        return self._task is not None

    def end(self) -> None:
        """End it now; before it has begun, as soon as it does."""
        if not self.over:
            self.over = True
            if self.begun:
                self._cancel_soon()

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        if self.over:
            self._cancel_soon()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.over = True
        if self._handle is not None:
            self._handle.cancel()
        # Whatever else has cancelled the task is not ended here.
        assert self._task is not None
        ours = self._cancelled and self._task.uncancel() == 0
        return ours and kind is asyncio.CancelledError

    def _cancel_soon(self) -> None:
        """In a step of its own: a task that cancels itself may do so too late to notice it."""
        self._handle = asyncio.get_running_loop().call_soon(self._cancel)

    def _cancel(self) -> None:
        assert self._task is not None
        self._cancelled = True
        self._task.cancel()
