"""Coroutines that a worker's thread runs to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.db import connections
from dramatiq.asyncio import get_event_loop_thread

T = TypeVar("T")


def run(function: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
    """Call an async function and wait for what it returns, such that an interrupt is heeded.

    On the worker's event loop; where there is none, on one of its own.
    """
    thread = get_event_loop_thread()
    if thread is None:
        result: T = async_to_sync(function)(*args, **kwargs)
        return result
    return thread.run_coroutine(function(*args, **kwargs))


def run_with_thread(function: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
    """As ``run``, with a thread of its own for what the function does synchronously.

    As each request has one under ASGI, with its own connections to the databases.
    """
    if get_event_loop_thread() is None:
        return run(function, *args, **kwargs)

    async def apart() -> T:
        async with ThreadSensitiveContext():
            try:
                return await function(*args, **kwargs)
            finally:
                await sync_to_async(connections.close_all)()

    return run(apart)
