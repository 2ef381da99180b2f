"""Admission: how many connections and channels this process serves, in all and for one caller.

Counted per process, because a connection lives in one: a user may have as many times the limit as
there are web processes. An address is the peer's, as the server gives it.
"""

from __future__ import annotations

import random
from collections import Counter

from pushjobs.access import Caller
from pushjobs.addresses import network
from pushjobs.conf import settings
from pushjobs.exceptions import LimitExceeded, ServerBusy

_USER, _ADDRESS = "USER", "ADDRESS"

#: Who is counted: of which kind, and which of it.
Owners = tuple[tuple[str, str], ...]


class Quota:
    """Counts what each user and each address has open of one kind."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._counts: Counter[tuple[str, str]] = Counter()

    def take(self, caller: Caller, count: int = 1) -> None:
        """Count so many more; raises ``LimitExceeded``."""
        self.take_for(_owners(caller), count)

    def give_back(self, caller: Caller, count: int = 1) -> None:
        """Count so many less."""
        self.give_back_for(_owners(caller), count)

    def take_for(self, owners: Owners, count: int) -> None:
        for owner in owners:
            limit = getattr(settings, f"MAX_{owner[0]}_{self._what.upper()}")
            if self._counts[owner] + count > limit:
                raise LimitExceeded(
                    f"one {owner[0].lower()} may have {limit} {self._what} open at a time",
                    headers={"Retry-After": str(random.randint(5, 15))},
                )
        self._counts.update(dict.fromkeys(owners, count))

    def give_back_for(self, owners: Owners, count: int) -> None:
        for owner in owners:
            self._counts[owner] -= count
            if not self._counts[owner]:
                del self._counts[owner]


class Admission:
    """Refuses a connection, or a channel of one, that would be over a limit."""

    def __init__(self) -> None:
        self.channels = Quota("channels")
        self.connections = Quota("connections")
        self.open = 0

    def check_room(self) -> None:
        """Raises ``ServerBusy`` where this process takes no more connections, whoever asks."""
        if self.open >= settings.MAX_CONNECTIONS:
            raise ServerBusy("the server has as many connections as it takes")

    def connection(self, caller: Caller, channels: int = 0) -> Seat:
        """Count a connection, and so many channels of it, until it leaves.

        Raises ``ServerBusy`` where another process may have room, and ``LimitExceeded`` where the
        caller has enough.
        """
        self.check_room()
        owners = _owners(caller)
        self.channels.take_for(owners, channels)
        try:
            self.connections.take_for(owners, 1)
        except LimitExceeded:
            self.channels.give_back_for(owners, channels)
            raise
        self.open += 1
        return Seat(self, owners, channels)


class Seat:
    """A connection that is counted; as a context manager it leaves at the end."""

    __slots__ = ("_admission", "_channels", "_owners")

    def __init__(self, admission: Admission, owners: Owners, channels: int) -> None:
        self._admission = admission
        self._owners = owners
        self._channels = channels

    def leave(self) -> None:
        """Count it no more; once."""
        self._admission.open -= 1
        self._admission.connections.give_back_for(self._owners, 1)
        self._admission.channels.give_back_for(self._owners, self._channels)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.leave()


def _owners(caller: Caller) -> Owners:
    owners = []
    if caller.user_id is not None:
        owners.append((_USER, str(caller.user_id)))
    if caller.address:
        owners.append((_ADDRESS, network(caller.address)))
    return tuple(owners)


admission = Admission()
