"""The benchmarks' jobs."""

from __future__ import annotations

import time

from pushjobs import Run, job


@job(name="bench.noop", allow="anyone")
def noop() -> None:
    """Succeeds at once."""


@job(name="bench.steps", allow="anyone", max_attempts=1)
def steps(run: Run, count: int, pause: float) -> dict[str, float]:
    """Tells how far it is after each step, and when it did; returns when it ended."""
    for number in range(count):
        time.sleep(pause)
        run.progress(number + 1, count, repr(time.time()))
    return {"ended": time.time()}


@job(name="bench.chatter", allow="anyone", max_attempts=1)
def chatter(run: Run, count: int, size: int) -> None:
    """Emits so many chunks of so many characters, as fast as they are taken."""
    for _ in range(count):
        run.emit("x" * size)
