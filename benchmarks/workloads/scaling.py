"""Scaling: web processes, and jobs known to one hub. Clients of one job are in fan-out."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path

from benchmarks import cores, sites
from benchmarks.bench import Bench
from benchmarks.closedloop import request
from benchmarks.generator.control import Generator
from benchmarks.generator.crowd import Follow
from benchmarks.generator.loss import Lost
from benchmarks.peers.contract import WEBSOCKET, Served
from benchmarks.process import Failed
from benchmarks.product.servers import UVICORN, WRITER, Product, follow
from benchmarks.requestrounds import Candidate, compared
from benchmarks.rounds import medians
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Scaling"

_KNOWN = ((10, 1), (100, 1), (100, 10), (100, 100))  # clients, and jobs that each follows
_SETTLING = 30.0
_SWEEP = 1.0  # seconds between two sweeps of the hub, where jobs are counted


def run(bench: Bench) -> list[Table]:
    """Each part with processes of its own."""
    tables = []
    for part in (_processes, _known):
        with bench.scope():
            try:
                tables.append(part(bench))
            except Lost as lost:
                raise Failed(f"{part.__name__.strip('_')}: {lost}") from lost
    return tables


def _processes(bench: Bench) -> Table:
    """Polling, with one web process and with two."""
    site = sites.product(bench)
    jobs = site.seed(64)["running"]
    asked = [
        request("GET", f"/jobs/{job}", headers=[f"Authorization: Bearer {token}"])
        for job, token in jobs
    ]
    (first, first_port), (second, second_port) = site.web(), site.web(on=cores.OTHERS)
    table = compared(
        bench,
        "scaling-processes",
        f"{TITLE}: web processes",
        [
            Candidate("1 web process", [first], [first_port], asked, 202, peer=True, ours=True),
            Candidate(
                "2 web processes",
                [first, second],
                [first_port, second_port],
                asked,
                202,
                ours=True,
            ),
        ],
    )
    table.columns = [
        Column("ratio", "of one process", ".2f") if column.key == "ratio" else column
        for column in table.columns
    ]
    table.notes = [
        (
            "GET of running jobs. On two cores the second process shares its core with PostgreSQL, "
            "Redis and the clients, and gets what they leave: twice the rate cannot be expected. "
            "That a request's processor time stays the same says that the processes do not hinder "
            "each other."
        )
    ]
    return table


def _known(bench: Bench) -> Table:
    """The processor time for a delivery, and for doing nothing, by how many jobs a hub knows."""
    cases = ((5, 1), (5, 4)) if bench.quick else _KNOWN
    rows: list[Row] = []
    with ExitStack() as stack:
        product = _Roomy("pushjobs", [*UVICORN, *WRITER])
        served = product.serve(bench, sum(clients * each for clients, each in cases))
        jobs = iter(json.loads(Path(served.publisher[-1]).read_text()))
        for clients, each in cases:
            own = list(islice(jobs, clients * each))  # A publisher's jobs are no one else's.
            generator = _follow_jobs(bench, stack, served, own, each)
            generator.grow(clients)
            _wait_until_idle(served)  # Clients are ready with the first of their subscriptions.
            generator.warm_up()
            idle = _idle(served, 2 * _SWEEP)
            found = medians([_loop(bench, served, generator, idle) for _ in range(bench.rounds)])
            generator.shrink()
            rows.append({"jobs": clients * each, "clients": clients, "idle": idle, **found})
    alike = {row["clients"]: row["cpu"] for row in reversed(rows)}
    for row in rows:
        row["ratio"] = row["cpu"] / alike[row["clients"]]
    return Table(
        "scaling-known",
        f"{TITLE}: jobs known to one hub",
        [
            Column("jobs", "jobs", ",d"),
            Column("clients", "clients", ",d"),
            Column("cpu", "server CPU, µs/delivery", ".1f"),
            Column("ratio", "of the fewest jobs", ".2f"),
            Column("rate", "thousand deliveries/s", ".2f"),
            Column("idle", "CPU of a sweep, ms", ".1f"),
        ],
        rows=rows,
        notes=[
            (
                "Over WebSocket; each client follows as many jobs as the others, one of which has "
                "events, all at the same time. Compared are those with as many clients. "
                f"A hub sweeps every {_SWEEP:g} s here, and every 5 s by default; the processor "
                "time of a delivery is without that of sweeps."
            )
        ],
        chart=Chart("cpu", "jobs"),
    )


class _Roomy(Product):
    """The product where one client may follow many jobs at once, and sweeps are frequent."""

    def environment(self, bench: Bench, folder: Path) -> dict[str, str]:
        found = super().environment(bench, folder)
        settings = {"MAX_FRAMES_PER_SECOND": 10_000, "SWEEP_INTERVAL": _SWEEP}
        found["PUSHJOBS"] = json.dumps(json.loads(found["PUSHJOBS"]) | settings)
        return found


def _follow_jobs(
    bench: Bench, stack: ExitStack, served: Served, jobs: list[tuple[str, str]], each: int
) -> Generator:
    """A generator whose clients follow so many jobs each, the first of which has events."""
    folder = bench.new_folder("known")
    told, follows = folder / "told.json", folder / "follows.json"
    told.write_text(json.dumps(jobs[::each]))
    groups = [jobs[start : start + each] for start in range(0, len(jobs), each)]
    follows.write_text(json.dumps([_follow_all(group) for group in groups]))
    generator = Generator(bench, folder.name)
    stack.callback(generator.stop)
    generator.crowd(served.port, WEBSOCKET, served.ready[WEBSOCKET], follows)
    generator.publisher([*served.publisher[:-1], str(told)], served.environment, served.cwd)
    return generator


def _follow_all(jobs: list[tuple[str, str]]) -> Follow:
    """Subscribe to each job on one connection."""
    says = [follow(WEBSOCKET, *job)["say"] for job in jobs]
    return {"path": "/jobs/socket", "headers": {}, "say": list(chain.from_iterable(says))}


def _loop(bench: Bench, served: Served, generator: Generator, idle: float) -> dict[str, float]:
    before = served.process.cpu_seconds()
    found = generator.closed(bench.seconds, 1)
    spent = served.process.cpu_seconds() - before - found["seconds"] / _SWEEP * idle / 1e3
    return {
        "rate": found["deliveries"] / found["seconds"] / 1e3,
        "cpu": 1e6 * spent / found["deliveries"],
    }


def _wait_until_idle(served: Served) -> None:
    deadline = time.monotonic() + _SETTLING
    while _idle(served, _SWEEP / 2) > 1e3 * _SWEEP / 4:
        if time.monotonic() > deadline:
            raise Failed("the server is not done with its clients' subscriptions")


def _idle(served: Served, seconds: float) -> float:
    """Milliseconds of processor time for each sweep, while nothing happens."""
    before = served.process.cpu_seconds()
    time.sleep(seconds)
    return 1e3 * (served.process.cpu_seconds() - before) / (seconds / _SWEEP)
