"""Outages: what Django raises while the database cannot be reached, or takes no change."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connection, connections

logger = logging.getLogger(__name__)

Found = TypeVar("Found")

#: The last is PostgreSQL's word for a server that is read-only, as one is after a failover.
DATABASE_OUTAGE = (OperationalError, InterfaceError, InternalError)

#: Seconds between tries: a failover may take most of a minute.
PAUSES = tuple(min(0.1 * 2**n, 3) for n in range(20))

_checking = threading.Lock()


def outlasting(call: Callable[[], Found], what: str) -> Found:
    """Call until the database answers; raises one of ``DATABASE_OUTAGE`` after a minute or so."""
    for pause in PAUSES:
        try:
            return call()
        except DATABASE_OUTAGE as error:
            note_outage(what, error)
            if not connection.in_atomic_block:
                connection.close()
            time.sleep(pause)
    return call()


def note_outage(what: str, error: Exception) -> None:
    """Say in the log that a store is out of reach for ``what``, and check the pools."""
    logger.warning("a store is out of reach for %s: %s", what, error)
    check_pools()


def check_pools() -> None:
    """Let pools of connections drop those that an outage has broken; does not block.

    Left alone, psycopg's pool finds them one by one, as they are asked for, and waits twice as long
    after each: a pool of twenty answers no one for half a minute after the server is back.
    """
    pools = [pool for each in connections.all() if (pool := getattr(each, "pool", None))]
    if pools and _checking.acquire(blocking=False):
        threading.Thread(target=_check, args=(pools,), name="pushjobs-pools", daemon=True).start()


def _check(pools: list[Any]) -> None:
    try:
        for pool in pools:
            pool.check()
    finally:
        _checking.release()
