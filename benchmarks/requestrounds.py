"""Candidates that answer HTTP requests, measured in turn with the same load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import cores
from benchmarks.bench import Bench
from benchmarks.closedloop import closed_loop
from benchmarks.process import Process
from benchmarks.rounds import alternate
from benchmarks.table import Chart, Column, Table

#: Connections that are kept, each with one request at a time.
CONNECTIONS = 16
_WARM_UP, _FIRST_WARM_UP = 0.3, 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that runs, and the requests that it is sent in turn.

    ``peer`` says that the product is compared with it: with the fastest of those that are.
    """

    name: str
    servers: Sequence[Process]
    ports: Sequence[int]
    requests: Sequence[bytes]
    expected: int
    peer: bool = False
    ours: bool = False

    def cpu_seconds(self) -> float:
        return sum(server.cpu_seconds() for server in self.servers)

    def answer(self, seconds: float, warm_up: float = _WARM_UP) -> dict[str, float]:
        """Figures of a closed loop; raises ``Failed`` for an answer that is not as expected."""
        answers = closed_loop(
            self.ports,
            self.requests,
            connections=CONNECTIONS,
            seconds=seconds,
            cpu=self.cpu_seconds,
            expected=self.expected,
            warm_up=warm_up,
        )
        return {
            "rate": answers.rate,
            "cpu": answers.cpu,
            "busy": answers.server_cpu / answers.seconds,
            "p50": answers.quantile(0.5),
            "p99": answers.quantile(0.99),
        }


def compared(bench: Bench, name: str, title: str, candidates: Sequence[Candidate]) -> Table:
    """The table of the candidates, with each one's ratio to the fastest peer."""
    candidates = [item for item in candidates if bench.wants(item.name)]
    with cores.beside():
        for candidate in candidates:
            candidate.answer(_FIRST_WARM_UP / (3 if bench.quick else 1))
        found = alternate(candidates, bench.rounds, lambda item: item.answer(2 * bench.seconds))
    pairs = list(zip(candidates, found, strict=True))
    best = max((figures["rate"] for item, figures in pairs if item.peer), default=None)
    return Table(
        name,
        title,
        [
            Column("candidate", "candidate"),
            Column("rate", "requests/s", ",.0f"),
            Column("ratio", "of the faster bare view", ".2f"),
            Column("cpu", "server CPU, µs/request", ",.0f"),
            Column("busy", "cores busy", ".2f"),
            Column("p50", "p50, ms", ".1f"),
            Column("p99", "p99, ms", ".1f"),
        ],
        rows=[
            {
                "candidate": item.name,
                "ours": item.ours,
                "ratio": figures["rate"] / best if best else None,
                **figures,
            }
            for item, figures in pairs
        ],
        notes=[
            (
                f"{CONNECTIONS} connections that are kept, each asks again once it has its answer; "
                "every answer's status was checked."
            ),
            (
                "All run on uvicorn (uvloop, httptools) with the same connection pool, and the "
                "Django projects with startproject's middleware. The bare view is written both "
                "ways, def and async def; the faster one counts."
            ),
        ],
        chart=Chart("rate", "candidate"),
    )
