"""Jobs of the fault suite: each writes into a ledger when an attempt of it really ran."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from django.conf import settings

from pushjobs import Failed, InputFile, Run, job
from tests.chaos.ledger import Ledger
from tests.chaos.speech import said

Ending = Literal["succeed", "fail", "recover"]


@job(name="chaos.work", allow="anyone", max_attempts=30)
def work(
    run: Run, number: int, steps: int, pause: float, ending: Ending = "succeed", gate: str = ""
) -> dict[str, int]:
    """Waits for its gate, then says ``attempt.step;`` at each step.

    ``recover`` fails at first and succeeds then.
    """
    ledger = Ledger(settings.VAR)
    ledger.note(str(run.job_id), run.attempt)
    run.progress(0, steps)
    while gate and not Path(gate).exists():
        time.sleep(0.05)
        ledger.note(str(run.job_id), run.attempt)
    for step in range(steps):
        run.emit(said(run.attempt, step))
        run.progress(step + 1, steps)
        time.sleep(pause)
        ledger.note(str(run.job_id), run.attempt)
    if ending == "fail":
        raise Failed("as it was asked to", status_code=422)
    if ending == "recover" and run.attempt == 1:
        raise ConnectionError("not yet")
    return {"number": number}


@job(name="chaos.pour", allow="anyone", max_attempts=30)
def pour(run: Run, chunks: int, size: int, pause: float) -> int:
    """Prints much, but no faster than a client at work can read."""
    for number in range(chunks):
        run.emit(said(run.attempt, number, size))
        time.sleep(pause)
    return chunks


@job(name="chaos.produce", allow="anyone", max_attempts=2)
def produce(size: int, data: InputFile | None = None) -> Any:
    """Returns so many characters, and reads the file that came with it."""
    if data is not None:
        with data.open() as handle:
            handle.read()
    return {"text": "x" * size}
