"""Coroutines that a worker's thread runs to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
        result: T | _Exit = async_to_sync(_contained)(function, *args, **kwargs)
    else:
        result = thread.run_coroutine(_contained(function, *args, **kwargs))
    if isinstance(result, _Exit):
        raise result.error
    return result


@dataclass(frozen=True, slots=True)
class _Exit:
    """What an event loop would end with, and all else that runs on it."""

    error: SystemExit | KeyboardInterrupt


async def _contained(function: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T | _Exit:
    try:
        return await function(*args, **kwargs)
    except (SystemExit, KeyboardInterrupt) as error:
        return _Exit(error)


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
