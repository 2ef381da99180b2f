"""The one event loop of this process that the hub and the publisher live on.

A web process binds its server's loop, a worker process Dramatiq's. Where neither is there (a
shell, a management command) a daemon thread runs one. One loop, because the in-memory channel
layer does not wake a loop from another thread, and a loop and a Redis pool per publish cost too
much.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_listeners: list[Callable[[asyncio.AbstractEventLoop], None]] = []


def bind(loop: asyncio.AbstractEventLoop) -> None:
    """Make ``loop`` this process's loop; what listens is told when that changes."""
    global _loop
    if loop is _loop:
        return
    with _lock:
        _loop = loop
    for listener in tuple(_listeners):
        listener(loop)


def on_bind(listener: Callable[[asyncio.AbstractEventLoop], None]) -> None:
    """Call ``listener`` with each loop bound from now on."""
    _listeners.append(listener)


def is_bound() -> bool:
    """Whether a loop was bound, or started, and is open."""
    return _loop is not None and not _loop.is_closed()


def current() -> asyncio.AbstractEventLoop:
    """The bound loop, or one that a daemon thread starts to run."""
    global _loop
    bound = _loop
    if bound is not None and not bound.is_closed():
        return bound
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="pushjobs-loop", daemon=True).start()
        return _loop
