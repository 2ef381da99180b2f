"""What the launcher must know of a program to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Protocol


class StackError(Exception):
    """The stack cannot run; the message says why."""


class Rank(IntEnum):
    """When a program is stopped: the lower ones first, while they still reach the others."""

    APPLICATION = 0
    FRONT = 1
    STORE = 2


class Program(Protocol):
    """A service's program on this machine."""

    rank: Rank
    #: Where it listens, for people; empty where it does not.
    address: str
    #: The user that it runs as, if not the one who asks.
    user: str | None

    def variables(self) -> dict[str, str]:
        """What the Compose file's variables are, so that the service runs here."""

    def prepare(self, environment: Mapping[str, str]) -> None:
        """Make what it needs on disk; raises ``StackError``."""

    def command(self, command: Sequence[str]) -> list[str]:
        """The Compose file's command with what only this machine needs."""

    def environment(self) -> dict[str, str]:
        """What its environment has beside what the Compose file says."""

    def ready(self) -> bool:
        """Whether it serves."""
