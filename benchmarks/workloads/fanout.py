"""Fan-out: one channel, 1,000 clients, to the limit and at a fifth of it."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.candidate import Candidate, absent, judge, start_all
from benchmarks.lineup import lineup
from benchmarks.peers.contract import SSE, WEBSOCKET
from benchmarks.peers.nchan import Nchan
from benchmarks.rounds import alternate
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Fan-out: one channel"
CLIENTS = 1_000
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
    """For each transport a table of single events, one of bursts and one of latencies."""
    size = bench.clients or (100 if bench.quick else CLIENTS)
    tables: list[Table] = []
    with bench.scope(), ExitStack() as stack:
        candidates, missing = start_all(lineup(bench.before), bench, stack)
        for transport in (SSE, WEBSOCKET):
            able = [one for one in candidates if transport in one.peer.transports]
            unable = [absent(*one) for one in missing if transport in one[0].transports]
            tables += _Transport(bench, transport, size, unable).tables(able)
    return tables


def limit_name(transport: str, size: int, window: int) -> str:
    """The name of a table of rates."""
    return f"fanout-{transport}-{size}-{window}"


def latency_name(transport: str, size: int) -> str:
    """The name of a table of latencies."""
    return f"latency-{transport}-{size}"


def limit_table(transport: str, size: int, window: int, rows: list[Row]) -> Table:
    """A table of rates, of which each row is told of nchan's."""
    nchan = next((row.get("rate") for row in rows if row["candidate"] == Nchan.name), None)
    for row in rows:
        if "rate" in row and nchan:
            row["ratio"] = row["rate"] / nchan
    how = "one event at a time" if window == 1 else f"{window} events at a time"
    return Table(
        name=limit_name(transport, size, window),
        title=f"{TITLE}, {_clients(transport, size)}, {how}",
        columns=_LIMIT,
        rows=rows,
        chart=Chart("rate", "candidate"),
    )


class _Transport:
    """The measurements of one transport; the rows of those that cannot run are given."""

    def __init__(self, bench: Bench, transport: str, size: int, unable: list[Row]) -> None:
        self._bench = bench
        self._transport = transport
        self._size = size
        self._unable = unable

    def tables(self, candidates: list[Candidate]) -> list[Table]:
        """Those of single events, of bursts and of latencies."""
        for candidate in candidates:
            candidate.use(self._transport, self._bench.folder)
            candidate.grow(self._size)
        single = self._limit(candidates, 1)
        bursts = self._limit(candidates, BURST)
        closely = [one for one in candidates if one.peer.closely]
        found = [single, bursts, self._latency(closely, single)]
        judge(found[-1], candidates)
        return found

    def _limit(self, candidates: list[Candidate], window: int) -> Table:
        figures = alternate(
            candidates,
            self._bench.rounds,
            lambda candidate: candidate.loop(self._bench.seconds, window),
            once=lambda candidate: window != 1 and not candidate.peer.closely,
        )
        rows = [one.row() | found for one, found in zip(candidates, figures, strict=True)]
        return limit_table(self._transport, self._size, window, rows + self._unable)

    def _latency(self, candidates: list[Candidate], limit: Table) -> Table:
        rates = {row["candidate"]: row.get("rate") for row in limit.rows}

        def measure(candidate: Candidate) -> dict[str, float]:
            rate = rates[candidate.peer.name]
            return candidate.timed(_TIMED * self._bench.seconds, rate / 5) if rate else {}

        figures = alternate(candidates, self._bench.rounds, measure)
        return Table(
            name=latency_name(self._transport, self._size),
            title=f"{TITLE}, {_clients(self._transport, self._size)}, at a fifth of its limit",
            columns=_LATENCY,
            rows=[one.row() | found for one, found in zip(candidates, figures, strict=True)],
            chart=Chart("each_p99", "candidate", scale="log"),
        )


def _clients(transport: str, size: int) -> str:
    return f"{size:,} clients over {LABEL[transport]}"
