"""Fan-out: one channel, many clients, to the limit and at a fifth of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.candidate import Candidate, absent, judge
from benchmarks.lineup import lineup
from benchmarks.peers.contract import SSE, WEBSOCKET, Peer
from benchmarks.rounds import alternate
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Fan-out: one channel"
SIZES = (100, 1_000, 5_000)
#: The size at which bursts and latencies are measured.
MIDDLE = 1_000
_BURST = 8
_TIMED = 3  # times as long as a round
_SLOW = 8  # thousand deliveries a second, below which a candidate is left out of the next size
_LABEL = {SSE: "SSE", WEBSOCKET: "WebSocket"}
_LIMIT = (
    Column("candidate", "candidate"),
    Column("rate", "thousand deliveries/s", ".1f"),
    Column("ratio", "of nchan", ".2f"),
    Column("cpu", "server CPU, µs/delivery", ".2f"),
    Column("busy", "server, % busy", ".0f"),
    Column("generator", "generator, % busy", ".0f"),
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
    """A table for each transport and number of clients, and one for latencies."""
    sizes: Sequence[int] = (100,) if bench.quick else SIZES
    if bench.clients is not None:
        sizes = (bench.clients,)
    tables: list[Table] = []
    with bench.scope(), ExitStack() as stack:
        candidates, missing = _start(bench, stack)
        for transport in (SSE, WEBSOCKET):
            able = [one for one in candidates if transport in one.peer.transports]
            unable = [absent(*one) for one in missing if transport in one[0].transports]
            tables += _Transport(bench, transport, sizes, unable).tables(able)
    return tables


def _start(bench: Bench, stack: ExitStack) -> tuple[list[Candidate], list[tuple[Peer, str]]]:
    """All candidates that can run, which take turns, and why the others cannot."""
    candidates, missing = [], []
    for peer in lineup(bench.before):
        if bench.wants(peer.name):
            reason = peer.missing()
            if reason is None:
                candidates.append(Candidate.start(peer, bench, stack))
            else:
                missing.append((peer, reason))
    return candidates, missing


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
        running = candidates
        for size in self._sizes:
            for candidate in running:
                candidate.grow(size)
            limit = self._limit(running, size, 1)
            found.append(limit)
            if size == self._middle:
                found.append(self._limit(running, size, _BURST))
                found.append(self._latency(running, size, limit))
            rates = {row["candidate"]: row.get("rate", 0) for row in limit.rows}
            running = [one for one in running if rates[one.peer.name] > _SLOW]
        judge(found[-1], candidates)
        return found

    def _limit(self, candidates: list[Candidate], size: int, window: int) -> Table:
        def measure(candidate: Candidate) -> dict[str, float]:
            return candidate.loop(self._bench.seconds, window)

        figures = alternate(candidates, self._bench.rounds, measure)
        rows = [one.row() | found for one, found in zip(candidates, figures, strict=True)]
        nchan = next((row.get("rate") for row in rows if "nchan" in row["candidate"]), None)
        for row in rows:
            if "rate" in row and nchan:
                row["ratio"] = row["rate"] / nchan
        how = "one event at a time" if window == 1 else f"{window} events at a time"
        return Table(
            name=f"fanout-{self._transport}-{size}-{window}",
            title=f"{TITLE}, {self._clients(size)}, {how}",
            columns=_LIMIT,
            rows=rows + self._unable,
            chart=Chart("rate", "candidate"),
        )

    def _latency(self, candidates: list[Candidate], size: int, limit: Table) -> Table:
        rates = {row["candidate"]: row.get("rate") for row in limit.rows}
        rows = []
        for candidate in candidates:
            rate = rates[candidate.peer.name]
            timed = candidate.timed(_TIMED * self._bench.seconds, rate / 5) if rate else {}
            rows.append(candidate.row() | timed)
        return Table(
            name=f"latency-{self._transport}-{size}",
            title=f"{TITLE}, {self._clients(size)}, at a fifth of its limit",
            columns=_LATENCY,
            rows=rows + self._unable,
            chart=Chart("each_p99", "candidate", scale="log"),
        )

    def _clients(self, size: int) -> str:
        return f"{size:,} clients over {_LABEL[self._transport]}"
