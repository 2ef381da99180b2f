"""Admission: how many connections and channels this process serves, in all and for one caller.

Counted per process, because a connection lives in one: a user may have as many times the limit as
there are web processes. An address is the peer's, as the server gives it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from pushjobs.access import Caller
from pushjobs.addresses import network
from pushjobs.conf import settings
from pushjobs.exceptions import LimitExceeded, ServerBusy

_USER, _ADDRESS = "USER", "ADDRESS"


class Quota:
    """Counts what each user and each address has open of one kind."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._counts: Counter[tuple[str, str]] = Counter()

    def take(self, caller: Caller, count: int = 1) -> None:
        """Count so many more; raises ``LimitExceeded``."""
        owners = _owners(caller)
        for owner in owners:
            limit = getattr(settings, f"MAX_{owner[0]}_{self._what.upper()}")
            if self._counts[owner] + count > limit:
                raise LimitExceeded(
                    f"one {owner[0].lower()} may have {limit} {self._what} open at a time",
                    headers={"Retry-After": str(random.randint(5, 15))},
                )
        self._counts.update(dict.fromkeys(owners, count))

    def give_back(self, caller: Caller, count: int = 1) -> None:
        """Count so many less."""
        for owner in _owners(caller):
            self._counts[owner] -= count
            if not self._counts[owner]:
                del self._counts[owner]


class Admission:
    """Refuses a connection, or a channel of one, that would be over a limit."""

    def __init__(self) -> None:
        self.channels = Quota("channels")
        self._connections = Quota("connections")
        self._open = 0

    def check_room(self) -> None:
        """Raises ``ServerBusy`` where this process takes no more connections, whoever asks."""
        if self._open >= settings.MAX_CONNECTIONS:
            raise ServerBusy("the server has as many connections as it takes")

    @contextmanager
    def connection(self, caller: Caller, channels: int = 0) -> Iterator[None]:
        """Count a connection, and so many channels of it, while inside.

        Raises ``ServerBusy`` where another process may have room, and ``LimitExceeded`` where the
        caller has enough.
        """
        self.check_room()
        self.channels.take(caller, channels)
        try:
            self._connections.take(caller)
        except LimitExceeded:
            self.channels.give_back(caller, channels)
            raise
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._connections.give_back(caller)
            self.channels.give_back(caller, channels)


def _owners(caller: Caller) -> list[tuple[str, str]]:
    owners = []
    if caller.user_id is not None:
        owners.append((_USER, str(caller.user_id)))
    if caller.address:
        owners.append((_ADDRESS, network(caller.address)))
    return owners


admission = Admission()
