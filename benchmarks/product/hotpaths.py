"""Times every statement that the product makes on its hot paths, and asks for its plan.

``hotpaths CALLS``, as a process of its own with the environment of the product's web process.
Prints ``{path: {"ms": …, "statements": …, "plans": {statement: plan}}}`` as JSON: the milliseconds
that one call spends in the database (a median), and how many statements it makes there.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.backends.utils import CursorWrapper  # noqa: E402
from django.test import Client  # noqa: E402

from project.stack.ports import LOOPBACK  # noqa: E402
from pushjobs import actors, lifecycle, relay, submit  # noqa: E402
from pushjobs.models import Job  # noqa: E402
from pushjobs.publisher import get_publisher  # noqa: E402

_TABLES = ("pushjobs_job", "pushjobs_jobtag")
_execute = CursorWrapper.execute


class Recorder:
    """The statements on the product's tables, whichever thread makes them."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Any, float]] = []
        self._lock = threading.Lock()

    def execute(self, cursor: CursorWrapper, sql: Any, params: Any = None) -> Any:
        began = time.perf_counter()
        try:
            return _execute(cursor, sql, params)
        finally:
            took = time.perf_counter() - began
            if any(table in str(sql) for table in _TABLES):
                with self._lock:
                    self.made.append((str(sql), params, took))


recorder = Recorder()


def measure(path: Callable[[], object], calls: int) -> dict[str, Any]:
    """Call ``path`` so often, with what it leaves to other threads."""
    seconds, plans, counts = [], {}, []
    for _ in range(calls):
        recorder.made = []
        path()
        if not get_publisher().flush(10):
            raise RuntimeError("the log is out of reach")
        made, recorder.made = recorder.made, []
        seconds.append(sum(took for _, _, took in made))
        counts.append(len(made))
        plans.update({sql: params for sql, params, _ in made})
    return {
        "ms": 1e3 * median(seconds),
        "statements": int(median(counts)),
        "plans": {sql: _plan(sql, params) for sql, params in plans.items()},
    }


def _plan(sql: str, params: Any) -> str:
    with transaction.atomic(), connection.cursor() as cursor:
        _execute(cursor, "EXPLAIN " + sql, params)
        lines = [row[0] for row in cursor.fetchall()]
        transaction.set_rollback(True)
    return "\n".join(lines)


def paths() -> dict[str, Callable[[], object]]:
    """The hot paths, as the processes of the product go them."""
    user = get_user_model().objects.order_by("pk")[7]
    client = Client(headers={"host": LOOPBACK})
    client.force_login(user)
    some = Job.objects.filter(owner=user).order_by("id")[5].pk
    held = Job.objects.filter(status="running", worker="other")
    running = list(held.values_list("pk", flat=True)[:8])
    waiting: list[Any] = []

    def accept() -> None:
        waiting.append(submit("bench.noop", owner=user, tags=["batch-7"]).pk)

    def get(path: str) -> Callable[[], None]:
        def ask() -> None:
            response = client.get(path)
            if response.status_code not in (200, 202):
                raise RuntimeError(f"{path} was answered with {response.status_code}")

        return ask

    def run() -> None:
        job = waiting.pop()
        actors.run_job(str(job), 0)
        if Job.objects.only("status").get(pk=job).status != "succeeded":
            raise RuntimeError("a job did not succeed")

    return {
        "accept, with a user and a tag": accept,
        "claim, run and end a no-op job": run,
        "poll": get(f"/jobs/{some}"),
        "list": get("/jobs?limit=20"),
        "list by status": get("/jobs?limit=20&status=running"),
        "list by tag": get("/jobs?limit=20&tag=batch-07"),
        "heartbeat: renew 8 leases": lambda: lifecycle.renew("other", dict.fromkeys(running)),
        "heartbeat: standing of 8": lambda: lifecycle.standing("other", running),
        "relay: leases that ran out": relay.take_back,
        "relay: jobs that are due": relay.queue_due,
        "relay: jobs to send": relay.send_lost,
        "relay: changes to announce": relay.announce_untold,
        "relay: retention": relay.Relay().prune,
    }


if __name__ == "__main__":
    found = paths()
    CursorWrapper.execute = (  # type: ignore[method-assign]
        lambda self, sql, params=None: recorder.execute(self, sql, params)
    )
    sys.stdout.write(
        json.dumps({name: measure(path, int(sys.argv[1])) for name, path in found.items()})
    )
