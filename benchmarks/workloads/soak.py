"""A soak: clients come and go for ten minutes, and at its end nothing of them is left over."""

from __future__ import annotations

import json
import time
import urllib.request
from statistics import linear_regression
from typing import Any

from benchmarks import cores, sites
from benchmarks.bench import PYTHON, Bench
from benchmarks.process import Failed, Process
from benchmarks.product.servers import WRITER
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Soak"
SECONDS = 600.0
VISITORS = 40
_SAMPLES = 30
#: The first part of the time, in which pools and caches fill, does not count.
_WARM_UP = 1 / 3
#: Growth over the rest, as a part of the memory, above which it is not flat; a run of a minute or
#: less is too short for a smaller one.
_FLAT, _FLAT_SHORT, _SHORT = 0.03, 0.08, 120.0
_QUIET = 40.0  # seconds in which what is left over must go
_COLUMNS = (
    Column("minute", "minute", ".1f"),
    Column("web", "web process, MB", ".1f"),
    Column("worker", "worker, MB", ".1f"),
    Column("connections", "streams open"),
    Column("tasks", "tasks"),
    Column("feeds", "feeds"),
)
#: What the log keeps is as old as this at most: Redis is not what is soaked.
_SETTINGS = {"LOG_MAX_AGE": 30}


def run(bench: Bench) -> list[Table]:
    """One table of samples, which says whether memory is flat, and what is left over."""
    seconds = bench.seconds if bench.seconds > 5 else (20.0 if bench.quick else SECONDS)
    table = Table(
        name="soak",
        title=f"{TITLE}: {VISITORS} visitors at a time for {seconds:.0f} s",
        columns=_COLUMNS,
        chart=Chart("web", "process", over="minute", over_scale="linear"),
    )
    with bench.scope():
        site = sites.product(bench, name="soak")
        site.application = "benchmarks.product.observed:application"
        site.environment["PUSHJOBS"] = json.dumps(_SETTINGS)
        web, port = site.web(*WRITER)
        worker = site.worker(on=cores.OTHERS)
        _visitors(bench, port, 4, 1.0).wait(60)  # What the first ones start stays.
        at_rest = _at_rest(port)
        visitors = _visitors(bench, port, VISITORS, seconds)
        _sample(table, seconds, web, worker, port)
        visitors.wait(120)
        tally = json.loads(visitors.output().splitlines()[-1])
        left = _left_over(port, at_rest)
    _judge(table, seconds, tally, left)
    return [table]


def _visitors(bench: Bench, port: int, count: int, seconds: float) -> Process:
    command = [PYTHON, "-m", "benchmarks.generator.visitors", *map(str, (port, count, seconds))]
    return bench.start(f"visitors-{count}", command, on=cores.OTHERS)


def _at_rest(port: int) -> dict[str, int]:
    """What there is while no one is there."""
    deadline = time.monotonic() + _QUIET
    while (counts := _counts(port))["connections"] or counts["feeds"]:
        if time.monotonic() > deadline:
            raise Failed(f"the product does not come to rest: {counts}")
        time.sleep(0.5)
    return counts


def _sample(table: Table, seconds: float, web: Process, worker: Process, port: int) -> None:
    started, pause = time.monotonic(), seconds / _SAMPLES
    for number in range(1, _SAMPLES + 1):
        time.sleep(max(0.0, started + number * pause - time.monotonic()))
        table.rows.append(
            {
                "process": "web process",
                "minute": (time.monotonic() - started) / 60,
                "web": web.memory() / 1e6,
                "worker": worker.memory() / 1e6,
                **_counts(port),
            }
        )


def _left_over(port: int, at_rest: dict[str, int]) -> dict[str, int]:
    """What there is more than at the beginning, once all visitors have gone."""
    deadline = time.monotonic() + _QUIET
    while True:
        counts = _counts(port)
        left = {key: counts[key] - at_rest[key] for key in counts if counts[key] > at_rest[key]}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(1)


def _judge(table: Table, seconds: float, tally: dict[str, int], left: dict[str, int]) -> None:
    rows = table.rows[int(len(table.rows) * _WARM_UP) :]
    allowed = _FLAT if seconds >= _SHORT else _FLAT_SHORT
    for key in ("web", "worker"):
        growth = _growth(rows, key)
        flat = growth <= allowed
        said = f"{key}: {'flat' if flat else 'not flat'}, {100 * growth:+.1f} % after the warm-up"
        (table.notes if flat else table.failures).append(said)
    for what, count in sorted(tally.items()):
        (table.failures if what.startswith("failed") else table.notes).append(f"{what}: {count}")
    if left:
        table.failures.append(f"left over when all had gone: {left}")
    else:
        table.notes.append("no connection, task or feed was left over")


def _growth(rows: list[Row], key: str) -> float:
    """How much the memory grows over the rows, as a part of what it is in their middle."""
    minutes = [row["minute"] for row in rows]
    slope, intercept = linear_regression(minutes, [row[key] for row in rows])
    middle = intercept + slope * (minutes[0] + minutes[-1]) / 2
    return float(slope * (minutes[-1] - minutes[0]) / middle)


def _counts(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts", timeout=10) as answer:
        return dict(json.loads(answer.read()))
