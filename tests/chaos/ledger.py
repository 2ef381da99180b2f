"""A ledger of what really ran: a line for each step of each attempt, appended by the jobs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stint:
    """When one attempt was at work in one process, by the machine's monotonic clock."""

    job: str
    attempt: int
    process: int
    first: float
    last: float


class Ledger:
    """One file that all processes of a machine append to."""

    def __init__(self, var: Path) -> None:
        self._path = var / "ledger"

    def note(self, job: str, attempt: int) -> None:
        """Write that an attempt is at work now; a line is written whole or not at all."""
        line = f"{job} {attempt} {os.getpid()} {time.monotonic():.6f}\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def clear(self) -> None:
        """Begin anew; what is at work goes on writing."""
        self._path.write_text("")

    def stints(self) -> list[Stint]:
        """What ran, a stint for each attempt and process."""
        found: dict[tuple[str, int, int], tuple[float, float]] = {}
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        for line in lines:
            job, attempt, process, moment = line.split()
            key, at = (job, int(attempt), int(process)), float(moment)
            first, last = found.get(key, (at, at))
            found[key] = (min(first, at), max(last, at))
        return [Stint(*key, *span) for key, span in found.items()]
