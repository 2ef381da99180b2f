"""Commits inside a test's own transaction, which is never committed.

Django's ``TestCase``, and pytest-django's ``db``, roll each test back, so that nothing that waits
for a commit ever happens in it: no job is sent, and no status is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic, get_connection

logger = logging.getLogger(__name__)

_Callback = Callable[[], Any]


def in_tests_own(connection: BaseDatabaseWrapper) -> bool:
    """Whether the innermost transaction is the one that the test itself is in."""
    blocks: list[Any] = connection.atomic_blocks
    return bool(blocks) and blocks[-1]._from_testcase and not connection.needs_rollback  # noqa: SLF001


@contextmanager
def commits() -> Iterator[None]:
    """While inside, ``on_commit`` acts as if the test's own transaction were not there.

    So a callback is called where a transaction that the tested code opens ends well, or at once
    where it opens none. What was registered before is left as it is. In a test whose transactions
    do commit, such as a ``TransactionTestCase``, this changes nothing.
    """
    on_commit, leave = BaseDatabaseWrapper.on_commit, Atomic.__exit__
    earlier = [entry for each in connections.all(initialized_only=True) for entry in _waiting(each)]

    def act(connection: BaseDatabaseWrapper, func: _Callback, robust: bool = False) -> None:
        if in_tests_own(connection) and callable(func):
            _call(func, robust)
        else:
            on_commit(connection, func, robust)

    def leave_and_act(block: Atomic, *error: Any) -> None:
        leave(block, *error)
        connection = get_connection(block.using)
        while in_tests_own(connection):
            due = next((entry for entry in _waiting(connection) if entry not in earlier), None)
            if due is None:
                break
            connection.run_on_commit.remove(due)
            _, func, robust = due
            _call(func, robust)

    with (
        patch.object(BaseDatabaseWrapper, "on_commit", act),
        patch.object(Atomic, "__exit__", leave_and_act),
    ):
        yield


def _waiting(connection: BaseDatabaseWrapper) -> list[Any]:
    return list(connection.run_on_commit)


def _call(func: _Callback, robust: bool) -> None:
    try:
        func()
    except Exception:
        if not robust:
            raise
        logger.exception("a robust callback of on_commit failed")
