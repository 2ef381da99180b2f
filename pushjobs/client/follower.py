"""One follower of one channel: its cursor, its tokens, and what it makes of a refusal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from pushjobs.client import verdicts
from pushjobs.client.backoff import retry_after
from pushjobs.client.credentials import Credentials
from pushjobs.client.documents import UNREADABLE, Event, Problem
from pushjobs.client.endpoint import Endpoint
from pushjobs.client.errors import Refused, Unreachable
from pushjobs.client.ladder import Ladder, Transport
from pushjobs.client.steps import Broken, Flow
from pushjobs.client.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client waits for what, in seconds.

    ``opening``: for a connection, and for the first word on it. ``silence``: between two words of
    a stream; the server says something every 15 s. ``slack``: beyond two heartbeats of a socket,
    and beyond the ``wait`` that a request for a page asks for. ``answer``: for any other request.
    ``reading``: for an answer from its beginning to its end; a page may be of some MiB.
    ``outage``: how long all may fail before a follower gives up; None for never.
    """

    opening: float = 5.0
    silence: float = 35.0
    slack: float = 5.0
    wait: float = 25.0
    answer: float = 30.0
    reading: float = 300.0
    outage: float | None = 300.0


def cursor_of(value: object) -> str | None:
    """A cursor as it came; raises ``Broken`` where it is none."""
    if value is not None and not isinstance(value, str):
        raise Broken("what came as a cursor is no text", leave=True)
    return value


class Follower:
    """Where a follower stands, whatever becomes of a connection.

    ``tokens`` are tried in turn: where one is refused, and not to be had anew, the next.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        channel: str,
        cursor: str | None,
        *,
        tokens: list[Credentials],
        ladder: Ladder,
        patience: Patience,
        clock: Callable[[], float],
        deadline: float | None = None,
        wall: Callable[[], float] = time.time,
        proven: Callable[[Transport], None] = lambda transport: None,
    ) -> None:
        self.endpoint = endpoint
        self.channel = channel
        self.cursor = cursor
        self.ladder = ladder
        self.patience = patience
        #: All of it was told, and nothing will follow.
        self.over = False
        #: Something was heard on this connection.
        self.carried = False
        self._tokens = tokens
        self._refreshed = False
        self._clock = clock
        self._wall = wall
        self._deadline = deadline
        #: Since when nothing has been heard, though it was tried.
        self._lost_at: float | None = None
        self._proven = proven

    def within(self, seconds: float) -> float:
        """So many seconds, or what is left of them before the deadline."""
        if self._deadline is None:
            return seconds
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the job is not over")
        return min(seconds, left)

    def now(self) -> float:
        return self._clock()

    def token(self) -> Flow[str | None]:
        return (yield from self._tokens[0].token())

    def opened(self) -> None:
        """Note that the transport carries: the server has said something."""
        self.carried = True
        self._lost_at = None
        self.ladder.opened()
        self._proven(self.ladder.transport)

    def heard(self) -> None:
        """Note that the channel can be followed this way."""
        self.opened()
        self.ladder.heard()

    def tell(self, body: object, cursor: object) -> Flow[None]:
        """Hand an event to the caller, and move the cursor."""
        try:
            event = Event.read(body, cursor_of(cursor))  # type: ignore[arg-type]
            last = event.terminal and self.channel == f"job:{event.job}"
        except UNREADABLE as error:
            raise Broken(f"what came is no event: {error!r}", leave=True) from error
        self._refreshed = False
        self.heard()
        self.cursor = event.cursor or self.cursor
        yield event
        self.over = self.over or last

    def refused(self, answer: httpx.Response, media_type: str) -> Flow[None]:
        """Do what an answer that brings no events asks for; returns where to ask again at once."""
        if answer.status_code == 200:  # Of a proxy; it may not have been read to its end.
            raise Broken(f"the answer is no {media_type}", leave=True)
        verdict = verdicts.of_answer(answer, media_type)
        after = retry_after(answer.headers.get("retry-after"), self._wall())
        yield from self.obey(verdict, verdicts.problem_of(answer), after)

    def obey(self, verdict: Verdict, problem: Problem, after: float | None = None) -> Flow[None]:
        """Do what a refusal asks for; returns where to ask again at once."""
        match verdict:
            case Verdict.OVER:
                self.over = True
            case Verdict.REFRESH:
                if not (yield from self._refresh()):
                    raise Refused(problem)
            case Verdict.DROP_CURSOR if self.cursor is not None:
                self.cursor = None
            case Verdict.RETRY:
                raise Broken(str(Refused(problem)), after=after)
            case _:
                raise Refused(problem)

    def _refresh(self) -> Flow[bool]:
        """Another token for the one that is refused, once until something was heard with it."""
        if not self._refreshed:
            self._refreshed = True
            if (yield from self._tokens[0].refresh()):
                return True
        if len(self._tokens) > 1:
            del self._tokens[0]
            self._refreshed = False
            return True  # It may be none: then a session may do.
        return False

    def lost(self, broken: Broken) -> None:
        """A connection is lost. Raises ``TimeoutError`` or ``Unreachable`` where that is enough."""
        self.within(1)
        now, outage = self._clock(), self.patience.outage
        self._lost_at = now if self._lost_at is None else self._lost_at
        if outage is not None and now - self._lost_at >= outage:
            raise Unreachable(f"nothing was heard for {outage:g} s: {broken}") from broken
