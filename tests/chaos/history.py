"""What one client was told of one job: every event, in the order in which it came."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from pushjobs.cursor import Cursor, Position
from pushjobs.events import TERMINAL, EventType
from pushjobs.status import TERMINAL as OVER


@dataclass(frozen=True)
class Seen:
    """An event as it came. ``position`` is None where it does not move the cursor."""

    event: dict[str, Any]
    position: Position | None

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def attempt(self) -> int:
        return int(self.event["attempt"])

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.event["data"]
        return found

    @property
    def is_snapshot(self) -> bool:
        return self.type == EventType.SNAPSHOT

    @property
    def ends(self) -> str | None:
        """The terminal status that it tells, if any."""
        if self.type in TERMINAL:
            return self.type.removeprefix("job.")
        status = str(self.data.get("status"))
        return status if self.is_snapshot and status in OVER else None


@dataclass
class History:
    """One client's view of one job's channel. Moments are of the wall clock, in seconds."""

    client: str
    job: dict[str, Any]
    cursor: str | None
    began_at: float = field(default_factory=time.time)
    seen: list[Seen] = field(default_factory=list)
    #: The job's final status, as the client was told it, and when.
    ending: str | None = None
    known_at: float = 0.0
    #: Whether the server has said that there is nothing more to come.
    told_over: bool = False
    #: What went wrong that a client must expect: (moment, what). It comes back after each.
    breaks: list[tuple[float, str]] = field(default_factory=list)
    #: What a client must never meet.
    complaints: list[str] = field(default_factory=list)
    #: The snapshots that a client did not ask for and that do not say what became of its cursor.
    unexplained: int = 0

    def __post_init__(self) -> None:
        self.start = self.position_of(self.cursor)

    @property
    def job_id(self) -> str:
        return str(self.job["id"])

    @property
    def channel(self) -> str:
        return f"job:{self.job_id}"

    @property
    def over(self) -> bool:
        return self.told_over or self.ending is not None

    def position_of(self, cursor: str | None) -> Position | None:
        """Where a cursor stands; raises ``InvalidCursor`` where it is not this channel's."""
        return Cursor.decode(cursor, [self.channel]).starts[0].position if cursor else None

    def take(self, event: dict[str, Any], cursor: str | None) -> None:
        """Note an event; ``cursor`` is None where none came with it."""
        seen = Seen(event, self.position_of(cursor))
        if seen.is_snapshot and self.cursor is not None and "recovered" not in seen.data:
            self.unexplained += 1
        self.seen.append(seen)
        self.cursor = cursor or self.cursor
        if seen.ends is not None:
            self.learn(seen.ends)

    def learn(self, status: str) -> None:
        """Know the job's final status from now on."""
        if self.ending is None:
            self.ending, self.known_at = status, time.time()

    def broke(self, what: str) -> None:
        self.breaks.append((time.time(), what))

    def tail(self, count: int = 12) -> str:
        """The last of what came, for a report."""
        lines = [
            f"{item.position.epoch}.{item.position.offset}" if item.position else "-"
            for item in self.seen[-count:]
        ]
        types = [f"{item.type}#{item.attempt}" for item in self.seen[-count:]]
        told = ", ".join(f"{place} {kind}" for place, kind in zip(lines, types, strict=True))
        broken = ", ".join(what for _, what in self.breaks[-4:])
        return f"{self.client}: … {told}; over={self.told_over} ending={self.ending}; {broken}"
