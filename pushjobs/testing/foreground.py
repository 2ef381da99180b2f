"""Keeps the app's own use of the database to the thread of the test.

What a test's own transaction has written no other thread's connection can see, and a thread that
goes on after a test meets a database that is gone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from channels.db import DatabaseSyncToAsync
from django.db import connection

from pushjobs.announcements import Announcements
from pushjobs.publisher import get_publisher
from pushjobs.testing.commits import in_tests_own

_FLUSH = 5.0


def rolled_back() -> bool:
    """Whether this thread's connection is in a transaction of the test itself."""
    return in_tests_own(connection)


@contextmanager
def foreground(*, alone: bool | None = None) -> Iterator[None]:
    """While inside, no other thread uses the database for this app; all is published at the end.

    With ``alone``, by default ``rolled_back()``, the asynchronous views query in the thread of the
    test as well. Several threads and tasks may be inside at once.
    """
    with ExitStack() as stack:
        stack.enter_context(_no_notes.entered())
        if rolled_back() if alone is None else alone:
            stack.enter_context(_one_thread.entered())
        try:
            yield
        finally:
            if not _on_loop():
                get_publisher().flush(_FLUSH)


class _Shared:
    """A patch that is made by the first who enters and taken back by the last who leaves."""

    def __init__(self, patched: Callable[[], AbstractContextManager[Any]]) -> None:
        self._patched = patched
        self._lock = threading.Lock()
        self._inside = 0
        self._stack = ExitStack()

    @contextmanager
    def entered(self) -> Iterator[None]:
        with self._lock:
            if not self._inside:
                self._stack.enter_context(self._patched())
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._stack.close()


async def _forget(announcements: Announcements) -> None:
    """Stands in for the note of what was announced, which is written a moment later."""
    announcements._versions.clear()  # noqa: SLF001


def _keep(function: Any, sensitive: bool) -> None:
    function.__dict__["_thread_sensitive"] = sensitive


def _on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def _in_one_thread() -> Iterator[None]:
    sensitive = property(lambda _: True, _keep)
    with (
        patch.object(DatabaseSyncToAsync, "_thread_sensitive", sensitive, create=True),
        # It would close the connection with the test's transaction; Django's clients keep it, too.
        patch("channels.db.close_old_connections", lambda: None),
    ):
        yield


_no_notes = _Shared(lambda: patch.object(Announcements, "_write", _forget))
_one_thread = _Shared(_in_one_thread)
