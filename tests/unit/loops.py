"""Event loops in threads, which leave nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def end(home: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Stop the loop that a thread runs, and close it with all its tasks."""
    home.call_soon_threadsafe(home.stop)
    thread.join()
    tasks = asyncio.all_tasks(home)
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            home.run_until_complete(task)
    home.run_until_complete(home.shutdown_default_executor())
    home.close()


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    home = asyncio.new_event_loop()
    thread = threading.Thread(target=home.run_forever)
    thread.start()
    try:
        yield home
    finally:
        end(home, thread)
