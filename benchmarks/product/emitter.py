"""A publisher as a worker process has it: ``emitter FILE``, with the file that ``running`` writes.

For each line of standard input, a count, each job emits so many chunks of output.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django

django.setup()

from benchmarks.generator import payload  # noqa: E402
from pushjobs import heap  # noqa: E402
from pushjobs.context import Run  # noqa: E402
from pushjobs.models import Job  # noqa: E402
from pushjobs.publisher import get_publisher  # noqa: E402


def main() -> None:
    publisher = get_publisher()
    jobs = json.loads(Path(sys.argv[1]).read_text())
    runs = [Run(Job(id=job, name="bench.followed", attempt=1), publisher) for job, _ in jobs]
    heap.freeze()  # As a worker does once it has started.
    print("ready", flush=True)  # noqa: T201
    number = 0
    for line in sys.stdin:
        for _ in range(int(line)):
            number += 1
            text = payload.text(number)
            for run in runs:
                run.emit(text)


if __name__ == "__main__":
    main()
