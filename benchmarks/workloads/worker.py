"""Worker throughput: no-op jobs a second, beside a bare actor that writes one row twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from benchmarks import cores, sites
from benchmarks.bench import Bench
from benchmarks.process import Failed
from benchmarks.rounds import alternate
from benchmarks.sites import Site
from benchmarks.table import Chart, Column, Table
from benchmarks.together import together

TITLE = "Worker: no-op jobs a second"

_WARM_UP = 0.15  # the part of the jobs that is not counted: connections and caches are made then
_TIMEOUT = 60.0
_POLL = 0.05
JOBS, FEW_JOBS = 2_000, 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """A site whose queue can be filled, and whose database tells which jobs have ended."""

    name: str
    site: Site
    table: str


def ours(site: Site, name: str = "pushjobs") -> Candidate:
    return Candidate(name, site, "pushjobs_job")


def bare(site: Site) -> Candidate:
    return Candidate("bare Dramatiq actor", site, "plain_report")


def run(bench: Bench) -> list[Table]:
    """Fill a queue, start a worker, and time it until all jobs have ended in the database."""
    before = bench.before
    starts = [lambda: ours(sites.product(bench)), lambda: bare(sites.plain(bench))]
    if before is not None:
        starts.append(
            lambda: ours(sites.product(bench, before, "pushjobs-before"), "pushjobs before")
        )
    candidates = [item for item in together(starts) if bench.wants(item.name)]
    jobs = FEW_JOBS if bench.quick else JOBS
    found = alternate(candidates, bench.rounds, lambda item: measure(bench, item, jobs))
    table = Table(
        "worker",
        TITLE,
        [
            Column("candidate", "candidate"),
            Column("rate", "jobs/s", ",.0f"),
            Column("ratio", "of the bare actor", ".2f"),
            Column("cpu", "µs CPU per job", ",.0f"),
            Column("busy", "worker, % busy", ".0f"),
            Column("others", "other core, % busy", ".0f"),
        ],
        notes=[
            (
                f"{jobs:,} jobs are in the queue before one worker process with eight threads "
                f"starts, on one core; the first {_WARM_UP:.0%} are not counted. The stores are "
                "on the other core."
            ),
            (
                "The bare actor writes its row twice, running and succeeded, with the middleware "
                "of django-dramatiq's documentation but for the admin's, which would write two "
                "rows more."
            ),
        ],
        chart=Chart("rate", "candidate"),
    )
    rates = {item.name: figures["rate"] for item, figures in zip(candidates, found, strict=True)}
    for item, figures in zip(candidates, found, strict=True):
        peer = rates.get("bare Dramatiq actor")
        ratio = figures["rate"] / peer if peer else None
        table.rows.append({"candidate": item.name, "ratio": ratio, **figures})
    return [table]


def measure(
    bench: Bench, candidate: Candidate, jobs: int, profile: str | None = None
) -> dict[str, float]:
    """Jobs a second, processor time per job, and how busy the cores were, in percent.

    Raises ``Failed`` where a job does not end.
    """
    site = candidate.site
    module = site.settings.rpartition(".")[0] + ".fill"
    with psycopg.connect(site.environment["DATABASE_URL"], autocommit=True) as connection:
        table = sql.Identifier(candidate.table)
        count = sql.SQL("SELECT count(*) FROM {} WHERE status = 'succeeded'").format(table)
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(table))
        site.run(["-m", module, str(jobs)])

        def ended() -> int:
            row = connection.execute(count).fetchone()
            assert row is not None
            return int(row[0])

        with bench.scope():
            worker = site.worker()
            _until(lambda: ended() >= _WARM_UP * jobs, f"{candidate.name}: jobs run")
            first, began, spent = ended(), time.perf_counter(), worker.cpu_seconds()
            of_others = cores.busy_seconds()
            _until(lambda: ended() >= jobs, f"{candidate.name}: all jobs have ended")
            seconds, cpu = time.perf_counter() - began, worker.cpu_seconds() - spent
            of_others = (cores.busy_seconds() - of_others) / len(cores.OTHERS)
    counted = jobs - first
    return {
        "rate": counted / seconds,
        "cpu": 1e6 * cpu / counted,
        "busy": 100 * cpu / seconds,
        "others": 100 * of_others / seconds,
    }


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"not within {_TIMEOUT:g} s: {what}")
        time.sleep(_POLL)
