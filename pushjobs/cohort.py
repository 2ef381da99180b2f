"""A cohort: followers of a feed that stand where it stands and take the same bytes."""

from __future__ import annotations

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

    A burst goes to their connections' outlets and touches nothing else of them: with thousands of
    clients each object more is a cache miss for each client and event.
    """

    __slots__ = ("_line", "_outlets")

    def __init__(self, line: Line) -> None:
        self._line = line
        self._outlets: dict[Member, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._outlets)

    def add(self, member: Member, line: Line) -> None:
        self._outlets[member] = line.writer.outlet

    def remove(self, member: Member) -> None:
        self._outlets.pop(member, None)

    def dissolve(self, position: Position) -> None:
        """Let all members step out."""
        for member in tuple(self._outlets):
            member.step_out(position)

    def deliver(self, burst: Burst) -> None:
        """Write a burst to all. Who cannot be written to steps out without it."""
        writer, form = self._line
        failed = writer.broadcast(tuple(self._outlets.values()), burst.framed(writer, form))
        if failed:
            for member in [one for one, outlet in self._outlets.items() if outlet in failed]:
                member.step_out(burst.before)
