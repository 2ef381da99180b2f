"""One writer at a time to SQLite, in the order in which they came.

SQLite has one writer. Those who wait for it sleep, up to a tenth of a second at a time, though it
may be free again after one thousandth: with a dozen threads that write, most of the time is slept
away. So the threads of a process take turns at a lock of their own. No other database needs this.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_turn = threading.RLock()


@contextmanager
def writing() -> Iterator[None]:
    """Hold the process's turn to write, around one statement or one transaction.

    Inside a transaction SQLite's own lock is held already, and no turn is waited for.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with _turn:
        yield
