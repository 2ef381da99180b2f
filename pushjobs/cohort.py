"""A cohort: followers of a feed that stand where it stands and take the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from pushjobs.burst import Burst, Form
from pushjobs.cursor import Position
from pushjobs.writer import Writer


class Line(NamedTuple):
    """A connection that takes every burst of a channel as it is, and the form that it takes."""

    writer: Writer
    form: Form


class Member(Protocol):
    """One who follows a feed in a cohort."""

    def step_out(self, position: Position) -> None:
        """Leave the cohort; ``position`` is that of the last entry written."""


class Cohort:
    """Members whose connections share a framing.

    A burst goes to their connections' ``write`` and touches nothing else of them: with thousands of
    clients each object more is a cache miss for each client and event.
    """

    __slots__ = ("_line", "_writes")

    def __init__(self, line: Line) -> None:
        self._line = line
        self._writes: dict[Member, Callable[[Any], None]] = {}

    def __bool__(self) -> bool:
        return bool(self._writes)

    def add(self, member: Member, line: Line) -> None:
        self._writes[member] = line.writer.write

    def remove(self, member: Member) -> None:
        self._writes.pop(member, None)

    def dissolve(self, position: Position) -> None:
        """Let all members step out."""
        for member in tuple(self._writes):
            member.step_out(position)

    def deliver(self, burst: Burst) -> None:
        """Write a burst to all. Who cannot be written to steps out without it."""
        framed = burst.framed(*self._line)
        failed = []
        for write in tuple(self._writes.values()):
            try:
                write(framed)
            except Exception:
                failed.append(write)
        if failed:
            for member in [one for one, write in self._writes.items() if write in failed]:
                member.step_out(burst.before)
