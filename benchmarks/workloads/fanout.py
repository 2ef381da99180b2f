"""Fan-out: one channel, many clients, to the limit and at a fifth of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.candidate import Candidate, absent, judge, start_all
from benchmarks.lineup import lineup
from benchmarks.peers.contract import SSE, WEBSOCKET
from benchmarks.rounds import alternate
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Fan-out: one channel"
SIZES = (100, 1_000, 5_000)
#: The size at which bursts and latencies are measured, and up to which all are.
MIDDLE = 1_000
BURST = 8
_TIMED = 2  # times as long as a round
LABEL = {SSE: "SSE", WEBSOCKET: "WebSocket"}
_LIMIT = (
    Column("candidate", "candidate"),
    Column("rate", "thousand deliveries/s", ".1f"),
    Column("ratio", "of nchan", ".2f"),
    Column("cpu", "server CPU, µs/delivery", ".2f"),
    Column("busy", "server, % busy", ".0f"),
    Column("generator", "generator, % busy", ".0f"),
    Column("others", "other core, % busy", ".0f"),
)
_LATENCY = (
    Column("candidate", "candidate"),
    Column("at", "thousand deliveries/s", ".1f"),
    Column("each_p50", "each client p50, ms", ".2f"),
    Column("each_p99", "p99", ".2f"),
    Column("last_p50", "last client p50", ".2f"),
    Column("last_p99", "p99", ".2f"),
)


def run(bench: Bench) -> list[Table]:
    """A table for each transport and number of clients, for bursts, for latencies, for growth."""
    sizes: Sequence[int] = (100,) if bench.quick else SIZES
    if bench.clients is not None:
        sizes = (bench.clients,)
    tables: list[Table] = []
    with bench.scope(), ExitStack() as stack:
        candidates, missing = start_all(lineup(bench.before), bench, stack)
        for transport in (SSE, WEBSOCKET):
            able = [one for one in candidates if transport in one.peer.transports]
            unable = [absent(*one) for one in missing if transport in one[0].transports]
            tables += _Transport(bench, transport, sizes, unable).tables(able)
    if len(sizes) > 1:
        tables.append(_growth(tables, sizes))
    return tables


def limit_name(transport: str, size: int, window: int) -> str:
    """The name of a table of rates."""
    return f"fanout-{transport}-{size}-{window}"


def latency_name(transport: str, size: int) -> str:
    """The name of a table of latencies."""
    return f"latency-{transport}-{size}"


class _Transport:
    """The measurements of one transport; the rows of those that cannot run are given."""

    def __init__(
        self, bench: Bench, transport: str, sizes: Sequence[int], unable: list[Row]
    ) -> None:
        self._bench = bench
        self._transport = transport
        self._sizes = sizes
        self._middle = MIDDLE if MIDDLE in sizes else sizes[-1]
        self._unable = unable

    def tables(self, candidates: list[Candidate]) -> list[Table]:
        """A table for each number of clients, and those of bursts and of latencies."""
        found: list[Table] = []
        for candidate in candidates:
            candidate.use(self._transport, self._bench.folder)
        closely = [one for one in candidates if one.peer.closely]
        for size in self._sizes:
            running = candidates if size <= self._middle else closely
            for candidate in running:
                candidate.grow(size)
            limit = self._limit(running, size, 1)
            found.append(limit)
            if size == self._middle:
                found.append(self._limit(running, size, BURST))
                found.append(self._latency(closely, size, limit))
        judge(found[-1], candidates)
        return found

    def _limit(self, candidates: list[Candidate], size: int, window: int) -> Table:
        # Few clients hear of many events in a short time.
        seconds = self._bench.seconds * (0.5 if size < MIDDLE else 1)
        all_rounds = size == self._middle and window == 1
        figures = alternate(
            candidates,
            self._bench.rounds,
            lambda candidate: candidate.loop(seconds, window),
            once=lambda candidate: not (all_rounds or candidate.peer.closely),
        )
        rows = [one.row() | found for one, found in zip(candidates, figures, strict=True)]
        nchan = next((row.get("rate") for row in rows if "nchan" in row["candidate"]), None)
        for row in rows:
            if "rate" in row and nchan:
                row["ratio"] = row["rate"] / nchan
        how = "one event at a time" if window == 1 else f"{window} events at a time"
        return Table(
            name=limit_name(self._transport, size, window),
            title=f"{TITLE}, {self._clients(size)}, {how}",
            columns=_LIMIT,
            rows=rows + self._unable,
            chart=Chart("rate", "candidate"),
        )

    def _latency(self, candidates: list[Candidate], size: int, limit: Table) -> Table:
        rates = {row["candidate"]: row.get("rate") for row in limit.rows}

        def measure(candidate: Candidate) -> dict[str, float]:
            rate = rates[candidate.peer.name]
            return candidate.timed(_TIMED * self._bench.seconds, rate / 5) if rate else {}

        figures = alternate(candidates, self._bench.rounds, measure)
        return Table(
            name=latency_name(self._transport, size),
            title=f"{TITLE}, {self._clients(size)}, at a fifth of its limit",
            columns=_LATENCY,
            rows=[one.row() | found for one, found in zip(candidates, figures, strict=True)],
            chart=Chart("each_p99", "candidate", scale="log"),
        )

    def _clients(self, size: int) -> str:
        return f"{size:,} clients over {LABEL[self._transport]}"


def _growth(tables: Sequence[Table], sizes: Sequence[int]) -> Table:
    """The server's processor time for a delivery, by how many clients there are."""
    found = {table.name: {row["candidate"]: row for row in table.rows} for table in tables}
    rows: list[Row] = []
    for transport in (SSE, WEBSOCKET):
        of_size = [found[limit_name(transport, size, 1)] for size in sizes]
        for name in of_size[-1]:
            costs = [one.get(name, {}).get("cpu") for one in of_size]
            for size, cpu in zip(sizes, costs, strict=True):
                if cpu is not None and costs[0]:
                    rows.append(
                        {
                            "candidate": f"{name}, {LABEL[transport]}",
                            "clients": size,
                            "cpu": cpu,
                            "ratio": cpu / costs[0],
                        }
                    )
    return Table(
        name="fanout-growth",
        title=f"{TITLE}: what a delivery costs, by the number of clients",
        columns=(
            Column("candidate", "candidate"),
            Column("clients", "clients", ",d"),
            Column("cpu", "server CPU, µs/delivery", ".2f"),
            Column("ratio", "of the fewest", ".2f"),
        ),
        rows=rows,
        notes=["One event at a time; what an event costs by itself is shared by its clients."],
        chart=Chart("cpu", "candidate", over="clients"),
    )
