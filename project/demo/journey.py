"""A job followed in legs, each over one transport, and how honest the sum of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from project.demo.followers import Seen

_PROGRESS = "job.progress"


@dataclass(slots=True)
class Leg:
    """What came over one connection, or one row of polls, from a cursor on."""

    transport: str
    start: str
    events: list[Seen] = field(default_factory=list)

    @property
    def cursor(self) -> str:
        """Where the next leg goes on."""
        cursors = [event.cursor for event in self.events if event.cursor]
        return cursors[-1] if cursors else self.start


@dataclass(frozen=True, slots=True)
class Count:
    """How one leg compares with the log.

    ``collapsed`` are progress events that a newer one has replaced, as may happen to a client that
    reads slowly; ``missed`` are all others that the log has between the leg's ends. ``foreign``
    are events that the log does not have, such as a snapshot in place of what could not be
    recovered.
    """

    transport: str
    seen: int
    repeated: int
    missed: int
    collapsed: int
    disordered: int
    foreign: int

    @property
    def clean(self) -> bool:
        return not (
            self.repeated or self.missed or self.collapsed or self.disordered or self.foreign
        )


@dataclass(slots=True)
class Journey:
    """One job, as its client has lived through it."""

    job: dict[str, Any]
    legs: list[Leg] = field(default_factory=list)

    @property
    def cursor(self) -> str:
        cursor: str = self.legs[-1].cursor if self.legs else self.job["cursor"]
        return cursor

    @property
    def end(self) -> Seen | None:
        """The event that told the job's end."""
        told = [event for leg in self.legs for event in leg.events if event.terminal]
        return told[-1] if told else None

    def set_out(self, transport: str) -> Leg:
        """Begin a leg where the last one ended."""
        leg = Leg(transport, self.cursor)
        self.legs.append(leg)
        return leg

    def compare(self, log: Sequence[Seen]) -> list[Count]:
        """Hold each leg against what the log has between its start and the start of the next."""
        places = {event.cursor: place for place, event in enumerate(log)}
        bounds = [places.get(leg.start, -1) + 1 for leg in self.legs] + [len(log)]
        known: set[str | None] = set()
        latest = -1
        counts = []
        for leg, start, stop in zip(self.legs, bounds, bounds[1:], strict=False):
            times = Counter(event.cursor for event in leg.events if event.cursor in places)
            repeated = sum(times.values()) - len(times.keys() - known)
            disordered = 0
            for event in leg.events:
                place = places.get(event.cursor, latest)
                disordered += place < latest
                latest = max(latest, place)
            lost = [event for event in log[start:stop] if event.cursor not in times]
            collapsed = sum(event.type == _PROGRESS for event in lost)
            counts.append(
                Count(
                    leg.transport,
                    seen=len(leg.events),
                    repeated=repeated,
                    missed=len(lost) - collapsed,
                    collapsed=collapsed,
                    disordered=disordered,
                    foreign=len(leg.events) - sum(times.values()),
                )
            )
            known |= times.keys()
        return counts
