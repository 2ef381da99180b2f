"""A burst: entries of one channel that come together, and are written together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from pushjobs.cursor import Position
from pushjobs.events import Entry
from pushjobs.writer import Writer

#: How a transport writes one entry.
Form = Callable[[Entry], bytes]


class Burst:
    """Entries of one channel in offset order, without a gap.

    ``before`` is the position that the first one follows, ``position`` that of the last one. What
    is written to the clients that stand at ``before`` is made once for all of them.
    """

    __slots__ = ("_framed", "before", "entries", "position", "terminal")

    def __init__(self, before: Position, entries: Sequence[Entry]) -> None:
        self.before = before
        self.entries = entries
        self.position = entries[-1].position
        self.terminal = False
        for entry in entries:
            self.terminal |= entry.terminal
        self._framed: dict[Hashable, Any] = {}

    def framed(self, writer: Writer, form: Form) -> Any:
        """All entries, in the form that ``writer`` takes. A framing belongs to one form."""
        made = self._framed.get(writer.framing)
        if made is None:
            made = self._framed[writer.framing] = writer.frame([*map(form, self.entries)])
        return made

    def beyond(self, position: Position | None) -> Burst | None:
        """The part that who stands at ``position`` has not seen, if any."""
        if position is None:
            return self
        left = [entry for entry in self.entries if not position.covers(entry.position)]
        return Burst(position, left) if left else None

    def ending(self) -> Burst:
        """The part up to the first terminal entry."""
        for place, entry in enumerate(self.entries, start=1):
            if entry.terminal and place < len(self.entries):
                return Burst(self.before, self.entries[:place])
        return self
