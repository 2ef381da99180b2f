"""Throttling: how often one user, and one address, may ask for a job or a token.

Counted in Django's cache, so that all web processes count together: over a sliding window, from the
counts of the present period and of the one before, the latter weighed by how much of it the window
still covers. Needs a cache whose ``add`` and ``incr`` are atomic: Redis, Memcached, local memory.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import blake2b
from queue import Empty, SimpleQueue

from django.core.cache import BaseCache, caches
from django.core.signals import setting_changed

from pushjobs.access import Caller
from pushjobs.addresses import network
from pushjobs.conf import settings
from pushjobs.exceptions import TooManyRequests
from pushjobs.rates import Rate

logger = logging.getLogger(__name__)

#: Seconds that nothing is counted for once the cache has failed, so that few wait for its timeout.
_PAUSE = 5.0
_WARNING_INTERVAL = 60.0


class Window:
    """What one caller has had of a rate."""

    def __init__(self, cache: BaseCache, owner: str, rate: Rate) -> None:
        self._cache = cache
        self._rate = rate
        # Hashed: a cache's keys must be short, and have no spaces.
        self._key = "pushjobs:" + blake2b(owner.encode(), digest_size=16).hexdigest()

    def take(self, now: float) -> float:
        """Count one more at ``now``, in seconds since the epoch, if there is room for it.

        Returns 0, or where there is none the seconds until there is.
        """
        period, passed = divmod(now, self._rate.period)
        part = passed / self._rate.period
        present = self._add(int(period))
        if present <= self._rate.count * part:
            return 0  # Of the period before no more than the whole rate can count.
        before = int(self._cache.get(self._at(int(period) - 1), 0))
        if present + before * (1 - part) <= self._rate.count:
            return 0
        self.give_back(now)
        return self._rate.period * _until_room(self._rate.count, before, present - 1, part)

    def give_back(self, now: float) -> None:
        """Count one less, so that to be refused costs nothing."""
        with suppress(ValueError):  # The cache may have dropped it.
            self._cache.decr(self._at(int(now // self._rate.period)))

    def _add(self, period: int) -> int:
        key = self._at(period)
        try:
            return self._cache.incr(key)
        except ValueError:  # It is the first, unless another one was at the same moment.
            if self._cache.add(key, 1, timeout=2 * self._rate.period):
                return 1
            return self._cache.incr(key)

    def _at(self, period: int) -> str:
        return f"{self._key}:{period}"


def _until_room(limit: int, before: int, present: int, part: float) -> float:
    """Periods until one more fits, if no one else asks."""
    left = limit - 1 - present
    if left >= 0:
        return 1 - left / before - part
    return (1 - part) + 1 - (limit - 1) / present


class Throttle:
    """Refuses who asks too often; no one, while the cache is out of reach."""

    def __init__(self) -> None:
        self._paused_until = -math.inf
        self._warned = -math.inf

    def admit(self, caller: Caller) -> None:
        """Count a request; raises ``TooManyRequests`` where it is over a rate. Blocks."""
        if time.monotonic() < self._paused_until:
            return
        try:
            wait = _wait(caller)
        except Exception:  # Each cache has errors of its own.
            self._pause()
            return
        if wait > 0:
            raise TooManyRequests(max(1, math.ceil(wait)))

    def _pause(self) -> None:
        now = time.monotonic()
        self._paused_until = now + _PAUSE
        if now - self._warned >= _WARNING_INTERVAL:
            self._warned = now
            logger.warning("the cache is out of reach; submissions are not counted", exc_info=True)


def _wait(caller: Caller) -> float:
    now = time.time()
    taken: list[Window] = []
    with _borrowed(settings.SUBMISSIONS_CACHE) as cache:
        for window in _windows(caller, cache):
            wait = window.take(now)
            if wait > 0:
                for earlier in taken:
                    earlier.give_back(now)
                return wait
            taken.append(window)
    return 0


@contextmanager
def _borrowed(alias: str) -> Iterator[BaseCache]:
    """A cache that no other thread uses meanwhile.

    Under ASGI ``caches[alias]`` is a new one for each request, and so a new connection.
    """
    free = _free(alias)
    try:
        cache = free.get_nowait()
    except Empty:
        cache = caches.create_connection(alias)
    try:
        yield cache
    finally:
        free.put(cache)


@lru_cache
def _free(alias: str) -> SimpleQueue[BaseCache]:
    return SimpleQueue()


def _windows(caller: Caller, cache: BaseCache) -> Iterator[Window]:
    if settings.USER_SUBMISSIONS and caller.user_id is not None:
        yield Window(cache, f"user:{caller.user_id}", settings.USER_SUBMISSIONS)
    if settings.ADDRESS_SUBMISSIONS and caller.address:
        owner = f"address:{network(caller.address)}"
        yield Window(cache, owner, settings.ADDRESS_SUBMISSIONS)


throttle = Throttle()


def _reset(*, setting: str, **_: object) -> None:
    if setting == "CACHES":
        _free.cache_clear()


setting_changed.connect(_reset)
