"""What is known once a scenario is over: the clients' side, the database, the log, the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pushjobs.cursor import Position
from tests.chaos.history import History
from tests.chaos.ledger import Stint


@dataclass(frozen=True)
class Row:
    """A job as the database has it. ``ended_at`` is by the database's clock, in seconds."""

    status: str
    attempt: int
    key: str | None
    ended_at: float
    error: Any = None


@dataclass(frozen=True)
class Logged:
    """What the log still holds of a job, and whether that is all since its channel began."""

    entries: Sequence[tuple[Position, Mapping[str, Any]]]
    complete: bool = True


@dataclass(frozen=True)
class Asked:
    """What a job was asked to do: how it may end, and what the attempt that succeeds says.

    ``speech`` holds ``{attempt}`` for the attempt's number; None where no one compares it.
    """

    endings: frozenset[str] = frozenset({"succeeded"})
    speech: str | None = None


@dataclass
class Evidence:
    """All that the oracle judges."""

    #: The ids of the jobs that were accepted, by idempotency key.
    accepted: Mapping[str, set[str]]
    asked: Mapping[str, Asked]
    rows: Mapping[str, Row]
    logs: Mapping[str, Logged]
    histories: Sequence[History]
    stints: Sequence[Stint] = ()
    #: Whether a fault lets an attempt go on while the next one runs: a paused process.
    overlap: bool = False
    #: Whether the log is away for so long that an end may say that output is missing.
    log_away: bool = False
    #: Whether clients may meet no break but what the server has announced.
    gentle: bool = False
    refusals: Sequence[str] = field(default_factory=list)
