"""Times loops that tell how far they are: ``innerloop STEPS ROUNDS``.

A process of its own, with the environment of a worker. Prints ``{loop: {"ns": …}}`` as JSON: the
processor time of a step, of all threads, in nanoseconds; a median. Fails where the log has not got
the last progress of each loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from tqdm import tqdm

django.setup()

from uuid_utils.compat import uuid7  # noqa: E402

from benchmarks.rounds import alternate  # noqa: E402
from pushjobs import channels, loop  # noqa: E402
from pushjobs.context import Run  # noqa: E402
from pushjobs.log import get_log  # noqa: E402
from pushjobs.models import Job  # noqa: E402
from pushjobs.publisher import get_publisher  # noqa: E402

Loop = Callable[[int], None]

_WARM_UP = 1_000  # steps


def bare(steps: int) -> None:
    for _ in range(steps):
        pass


def progress(steps: int) -> None:
    with _followed(steps) as run:
        for number in range(1, steps + 1):
            run.progress(number, steps)


def progress_with_message(steps: int) -> None:
    with _followed(steps) as run:
        for number in range(1, steps + 1):
            run.progress(number, steps, "rows")


def update(steps: int) -> None:
    with Path(os.devnull).open("w") as nowhere, tqdm(total=steps, file=nowhere) as bar:
        for _ in range(steps):
            bar.update(1)


def track(steps: int) -> None:
    with _followed(steps) as run:
        for _ in run.track(range(steps)):
            pass


def iterate(steps: int) -> None:
    with Path(os.devnull).open("w") as nowhere:
        for _ in tqdm(range(steps), file=nowhere):
            pass


#: By their names in the table.
LOOPS: dict[str, Loop] = {
    "bare loop": bare,
    "run.progress(done, total)": progress,
    "run.progress(done, total, message)": progress_with_message,
    "tqdm: bar.update(1)": update,
    "run.track(items)": track,
    "tqdm(items)": iterate,
}


@contextmanager
def _followed(steps: int) -> Iterator[Run]:
    """An attempt; when it is over the log must have its last progress."""
    publisher = get_publisher()
    job = Job(id=uuid7(), name="bench.followed", attempt=1)
    yield Run(job, publisher)
    channel = channels.of_job(job.id)
    if not publisher.flush(10):
        raise RuntimeError("the log is out of reach")
    newest = asyncio.run_coroutine_threadsafe(get_log().progress([channel]), loop.current())
    data = json.loads(newest.result(10)[channel].json)["data"]
    if data["done"] != steps:
        raise RuntimeError(f"the last progress in the log is {data}")


def measure(steps: int, rounds: int) -> dict[str, dict[str, float]]:
    """The loops in turn, so many rounds."""

    def cost(run: Loop) -> dict[str, float]:
        began = time.process_time_ns()
        run(steps)
        return {"ns": (time.process_time_ns() - began) / steps}

    for run in LOOPS.values():
        run(_WARM_UP)  # Connections to Redis are made, and modules loaded late.
    return dict(zip(LOOPS, alternate(list(LOOPS.values()), rounds, cost), strict=True))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
