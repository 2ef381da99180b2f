"""Makes jobs in each state that polling meets, and prints how to ask for them, as JSON.

Run as a process of its own, with the environment of the product's web process. Prints
``{"running": [[id, token], …], "over": [[id, token], …]}``.
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from pushjobs import lifecycle, submit, tokens  # noqa: E402
from pushjobs.models import Job  # noqa: E402
from pushjobs.publisher import get_publisher  # noqa: E402
from pushjobs.results import store  # noqa: E402


def seed(number: int) -> dict[str, list[tuple[str, str]]]:
    """So many jobs that run, and as many that have succeeded, through the lifecycle."""
    made: dict[str, list[tuple[str, str]]] = {"running": [], "over": []}
    for state in made:
        for _ in range(number):
            job = Job.objects.get(pk=submit("bench.noop").pk)
            if not lifecycle.start(job, "seed", lease=3600):
                raise RuntimeError("a worker has taken the job")
            if state == "over":
                lifecycle.succeed(job, store(job, {"rows": 12}))
            made[state].append((str(job.pk), tokens.for_job(job.pk)))
    if not get_publisher().flush(30):
        raise RuntimeError("the log is out of reach")
    return made


if __name__ == "__main__":
    sys.stdout.write(json.dumps(seed(int(sys.argv[1]))))
