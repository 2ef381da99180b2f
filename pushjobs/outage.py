"""Outages: what Django raises while the database cannot be reached, or takes no change."""

from __future__ import annotations

import threading
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError, connections

#: The last is PostgreSQL's word for a server that is read-only, as one is after a failover.
DATABASE_OUTAGE = (OperationalError, InterfaceError, InternalError)

_checking = threading.Lock()


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
