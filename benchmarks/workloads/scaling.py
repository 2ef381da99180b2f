"""Scaling: web processes, clients of one job, jobs known to one hub."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from benchmarks import cores, sites
from benchmarks.bench import Bench
from benchmarks.closedloop import request
from benchmarks.generator.control import Generator
from benchmarks.generator.crowd import Follow
from benchmarks.generator.loss import Lost
from benchmarks.peers.contract import SSE, WEBSOCKET, Served
from benchmarks.process import Failed
from benchmarks.product.servers import UVICORN, WRITER, Product, follow
from benchmarks.requestrounds import Candidate, compared
from benchmarks.rounds import medians
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Scaling"

_SIZES = (100, 1_000, 5_000)  # clients of one job
_KNOWN = ((10, 1), (100, 1), (100, 10), (100, 100))  # clients, and jobs that each follows
_SETTLING = 30.0
_SWEEP = 1.0  # seconds between two sweeps of the hub, where jobs are counted


def run(bench: Bench) -> list[Table]:
    """Each part with processes of its own."""
    tables = []
    for part in (_processes, _clients, _known):
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


def _clients(bench: Bench) -> Table:
    """The server's processor time for a delivery, by how many clients follow one job."""
    sizes = (20, 100) if bench.quick else _SIZES
    rows: list[Row] = []
    for transport in (SSE, WEBSOCKET):
        with bench.scope(), ExitStack() as stack:
            served = Product("pushjobs", [*UVICORN, *WRITER]).serve(bench, 1)
            generator = _generator(bench, stack, served)
            follows = served.follows(transport, bench.folder)
            generator.crowd(served.port, transport, served.ready[transport], follows)
            generator.publisher(served.publisher, served.environment, served.cwd)
            for size in sizes:
                generator.grow(size)
                generator.warm_up()
                found = [_loop(bench, served, generator) for _ in range(bench.rounds)]
                rows.append({"transport": transport, "clients": size, **medians(found)})
    for row in rows:
        first = next(item for item in rows if item["transport"] == row["transport"])
        row["ratio"] = row["cpu"] / first["cpu"]
    return Table(
        "scaling-clients",
        f"{TITLE}: clients of one job",
        [
            Column("transport", "transport"),
            Column("clients", "clients", ",d"),
            Column("cpu", "server CPU, µs/delivery", ".2f"),
            Column("ratio", "of the fewest", ".2f"),
            Column("rate", "thousand deliveries/s", ".1f"),
        ],
        rows=rows,
        notes=["One event at a time; what an event costs by itself is shared by its clients."],
        chart=Chart("cpu", "transport", over="clients"),
    )


def _known(bench: Bench) -> Table:
    """The processor time for a delivery, and for doing nothing, by how many jobs a hub knows."""
    rows: list[Row] = []
    for clients, each in ((5, 1), (5, 4)) if bench.quick else _KNOWN:
        with bench.scope(), ExitStack() as stack:
            served, generator = _hub(bench, stack, clients, each)
            found = medians([_loop(bench, served, generator) for _ in range(bench.rounds)])
            idle = _idle(served, 2 * _SWEEP)
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
                f"A hub sweeps every {_SWEEP:g} s here, and every 5 s by default."
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


def _hub(bench: Bench, stack: ExitStack, clients: int, each: int) -> tuple[Served, Generator]:
    """A server whose hub knows ``clients * each`` jobs; one of each client's has events."""
    served = _Roomy("pushjobs", [*UVICORN, *WRITER]).serve(bench, clients * each)
    path = Path(served.publisher[-1])
    jobs = json.loads(path.read_text())
    told = path.with_name("told.json")
    told.write_text(json.dumps(jobs[::each]))
    generator = _generator(bench, stack, served)
    follows = path.with_name("follows.json")
    groups = [jobs[start : start + each] for start in range(0, len(jobs), each)]
    follows.write_text(json.dumps([_follow_all(group) for group in groups]))
    generator.crowd(served.port, WEBSOCKET, served.ready[WEBSOCKET], follows)
    generator.publisher([*served.publisher[:-1], str(told)], served.environment, served.cwd)
    generator.grow(clients)
    _wait_until_idle(served)  # A client counts as ready with the first of its subscriptions.
    generator.warm_up()
    return served, generator


def _follow_all(jobs: list[tuple[str, str]]) -> Follow:
    """Subscribe to each job on one connection."""
    says = [follow(WEBSOCKET, *job)["say"] for job in jobs]
    return {"path": "/jobs/socket", "headers": {}, "say": list(chain.from_iterable(says))}


def _generator(bench: Bench, stack: ExitStack, served: Served) -> Generator:
    generator = Generator(bench, served.process.name)
    stack.callback(generator.stop)
    return generator


def _loop(bench: Bench, served: Served, generator: Generator) -> dict[str, float]:
    before = served.process.cpu_seconds()
    found = generator.closed(bench.seconds, 1)
    spent = served.process.cpu_seconds() - before
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
