"""Which transport to use: down where one fails, up again later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from pushjobs.client.backoff import jittered
from pushjobs.client.steps import Broken


class Transport(StrEnum):
    """The ways to the server, the best first."""

    WEBSOCKET = "websocket"
    SSE = "sse"
    LONG_POLLING = "long-polling"
    POLLING = "polling"


#: Failures in a row after which a rung is left: before it was proven, and since.
UNPROVEN, PROVEN = 2, 3
#: Seconds on a lower rung before the next better one is tried again; doubled with each failure.
CLIMB_FIRST, CLIMB_LONGEST = 30.0, 600.0


def rungs(names: Sequence[str]) -> tuple[Transport, ...]:
    """The rungs of some transports; ``polling`` means waiting requests, then plain ones."""
    chosen = [Transport(name) for name in names]
    if not chosen:
        raise ValueError("at least one transport is needed")
    if Transport.POLLING in chosen and Transport.LONG_POLLING not in chosen:
        chosen.insert(chosen.index(Transport.POLLING), Transport.LONG_POLLING)
    return tuple(sorted(set(chosen), key=list(Transport).index))


class Ladder:
    """Where one follower stands, and when it moves."""

    def __init__(
        self,
        rungs: Sequence[Transport],
        *,
        start: Transport | None,
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._rungs = rungs
        self._clock = clock
        self._random = random
        self._start = rungs.index(start) if start in rungs else 0
        self._at = self._start
        self._proven = False
        self._on_rung = 0  # failures in a row on this rung
        self._in_all = 0  # and since anything was heard
        self._climbing = False
        self._patience = CLIMB_FIRST
        self._climb_at = self._clock() + CLIMB_FIRST

    @property
    def transport(self) -> Transport:
        return self._rungs[self._at]

    @property
    def climb_due(self) -> bool:
        """Whether it is time to try the next better rung."""
        settled = self._at > 0 and self._proven and not self._climbing
        return settled and self._clock() >= self._climb_at

    def climb(self) -> None:
        self._to(self._at - 1)
        self._climbing = True

    def opened(self) -> None:
        """The rung carries: something came from the server."""
        if self._climbing:
            self._climbing = False
            self._patience = CLIMB_FIRST
            self._climb_at = self._clock() + CLIMB_FIRST
        self._proven = True
        self._start = self._at

    def heard(self) -> None:
        """It does what it is for."""
        self._on_rung = self._in_all = 0

    def failed(self, broken: Broken) -> float:
        """Choose the rung of the next try; returns the seconds to wait before it."""
        if self._climbing:
            self._climbing = False
            self._to(self._at + 1)
            self._proven = True  # as it was when it was left
            self._patience = min(CLIMB_LONGEST, 2 * self._patience)
            self._climb_at = self._clock() + self._patience
            return 0.0
        self._on_rung += 1
        self._in_all += 1
        leave = broken.leave or self._on_rung >= (PROVEN if self._proven else UNPROVEN)
        if leave and self._at + 1 < len(self._rungs):
            self._to(self._at + 1)
            self._climb_at = self._clock() + self._patience
            return broken.after or 0.0
        if leave:
            self._to(self._start)
        return max(broken.after or 0.0, jittered(self._in_all, self._random))

    def _to(self, rung: int) -> None:
        self._at = rung
        self._proven = False
        self._on_rung = 0
