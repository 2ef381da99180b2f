"""A walk through one client's history: is each event where it must be?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushjobs.cursor import Position
from pushjobs.events import TERMINAL, EventType
from tests.chaos.history import History, Seen

#: The events of one job that are known, by position.
Facts = dict[Position, Mapping[str, Any]]


def identity(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two events the same, whoever tells them."""
    return event["type"], event["job"], event["attempt"], event["time"], str(event["data"])


class Walk:
    """Counts what one client was told, against the facts.

    Progress may be left out where a client is slow, so it is neither expected nor missed.
    """

    def __init__(self, history: History, facts: Facts) -> None:
        self._history = history
        self._facts = facts
        self.expected = self.seen = self.repeated = self.disordered = self.missed = 0
        self.problems: list[str] = []
        self._place = history.start
        self._known: set[Position] = set()
        self._attempt = 0

    def run(self) -> None:
        """Walk to the end."""
        for item in self._history.seen:
            if item.is_snapshot:
                self._jump(item)
            elif item.position is None:
                self.problems.append(f"an event without a cursor: {item.event}")
            else:
                self._step(item, item.position)
        if self._history.unexplained:
            self.problems.append("got a snapshot that does not say what became of its cursor")
        if self._history.told_over and self._history.ending is None:
            self.problems.append("was told that all is over, and not how")
        after_end = [item.type for item in self._after_end()]
        if after_end:
            self.problems.append(f"was told more after the end: {after_end}")

    def listen(self, speech: str, *, excused: bool) -> None:
        """Compare what was said with what the attempt that succeeded says, if all of it was sent.

        ``speech`` holds ``{attempt}`` for the attempt's number. An end may say that output is
        missing only where a fault excuses it.
        """
        seen = self._history.seen
        if self._history.ending != "succeeded" or any(item.is_snapshot for item in seen):
            return
        if not seen:
            return  # One who asks for documents hears nothing.
        if excused and not seen[-1].data.get("output_complete", True):
            return
        last = max(item.attempt for item in seen)
        mine = [item for item in seen if item.attempt == last]
        said = "".join(item.data["chunk"] for item in mine if item.type == EventType.OUTPUT)
        if said != speech.format(attempt=last):
            self.missed += 1
            self.problems.append(f"heard of attempt {last}: {said[:200]!r}")

    def _jump(self, item: Seen) -> None:
        """A snapshot stands for all before it; what came before it may be told again."""
        if item.position is not None:
            self._place = item.position
        self._attempt = item.attempt
        self._known.clear()

    def _step(self, item: Seen, position: Position) -> None:
        counts = item.type != EventType.PROGRESS
        self.seen += counts
        self.expected += counts
        place = self._place
        if position in self._known:
            self.repeated += 1
            self.problems.append(f"was told {item.type} at {position} again")
        elif place is not None and position.epoch != place.epoch:
            self.missed += 1
            self.problems.append(f"came from {place} to {position} without a snapshot")
        elif place is not None and position.offset <= place.offset:
            self.disordered += 1
            self.problems.append(f"was told {item.type} at {position} after {place}")
        elif place is not None:
            self._look_between(place, position)
        self._known.add(position)
        if place is None or not place.covers(position):
            self._place = position
        self._judge(item)

    def _look_between(self, place: Position, position: Position) -> None:
        for offset in range(place.offset + 1, position.offset):
            between = Position(position.epoch, offset)
            fact = self._facts.get(between)
            if fact is None or fact["type"] != EventType.PROGRESS:
                self.expected += 1
                self.missed += 1
                what = fact["type"] if fact else "an event that no one has seen"
                self.problems.append(f"missed {what} at {between}")

    def _judge(self, item: Seen) -> None:
        if item.attempt < self._attempt:
            self.disordered += 1
            self.problems.append(
                f"was told {item.type} of attempt {item.attempt} after attempt {self._attempt}"
            )
        self._attempt = max(self._attempt, item.attempt)

    def _after_end(self) -> list[Seen]:
        """What came after the first terminal event: nothing, or a snapshot that says the same."""
        seen = self._history.seen
        for place, item in enumerate(seen):
            if item.type in TERMINAL:
                rest = seen[place + 1 :]
                return [item for item in rest if not (item.is_snapshot and item.ends)]
        return []
