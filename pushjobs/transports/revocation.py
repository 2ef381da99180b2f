"""Revocation: a connection that was opened by a session ends with it, or with its user's rights.

All logins of a process are looked at together every ``SESSION_CHECK_INTERVAL``, whatever has become
of them; and once a second those of which a process says that their user logs out. Whose login has
ended is sent away, and what it may follow is decided anew when it comes back.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Container, Iterable
from itertools import takewhile
from typing import Protocol

from channels.db import database_sync_to_async

from pushjobs import logins
from pushjobs.conf import settings
from pushjobs.logins import Login
from pushjobs.outage import DATABASE_OUTAGE, note_outage

logger = logging.getLogger(__name__)

#: Seconds in which a session is looked for that is about to end: its request may take as long.
_LOGOUT = 5.0


class Watched(Protocol):
    """The open connections, as far as they rest on logins."""

    def logins(self) -> Iterable[Login]: ...
    def send_away(self, ended: Container[Login]) -> None: ...


class Revocation:
    """Finds the logins that have ended. ``tick`` is called once a second, on one event loop."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._due = 0.0
        #: Until when, by digest, a session is looked for that is about to end; the first one first.
        self._ending: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def expect(self, session: str, now: float) -> None:
        """Look for a session, by the digest of its key: its user is logging out."""
        self._forget(now)  # Who has no connections does not tick.
        self._ending.pop(session, None)
        self._ending[session] = now + _LOGOUT

    def tick(self, now: float) -> None:
        """Look at what is due; ``now`` is in seconds, monotonic."""
        if self._task is not None and not self._task.done():
            return
        self._forget(now)
        if now >= self._due:
            # Not at the same moment in every process.
            self._due = now + settings.SESSION_CHECK_INTERVAL * random.uniform(0.9, 1)
            suspects = list(self._watched.logins())
        elif self._ending:
            suspects = [it for it in self._watched.logins() if it.digest in self._ending]
        else:
            return
        if suspects:
            self._task = asyncio.get_running_loop().create_task(self._look_at(suspects))

    def _forget(self, now: float) -> None:
        for session in list(takewhile(lambda it: self._ending[it] <= now, self._ending)):
            del self._ending[session]

    async def _look_at(self, suspects: list[Login]) -> None:
        try:
            ended = await _ended(suspects)
        except DATABASE_OUTAGE as error:
            note_outage("the sessions of connections", error)
        except Exception:
            logger.exception("the sessions of connections could not be looked at")
        else:
            if ended:
                self._watched.send_away(ended)


_ended = database_sync_to_async(logins.ended, thread_sensitive=False)
