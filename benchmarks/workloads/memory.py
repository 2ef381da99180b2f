"""Memory: what an idle client costs the server's process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.candidate import Candidate, absent, judge, start_all
from benchmarks.lineup import PUBSUB, lineup
from benchmarks.peers.contract import SSE, WEBSOCKET
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Memory per idle client"
#: Of those that the product is measured against, and of the slow ones.
CLIENTS, FEW = 1_000, 300
#: The first ones are not counted: they pay for pools, caches and code that is loaded late.
_FIRST = 200
_SETTLE = 1.0  # seconds, in which what the connects have left over is freed
_COLUMNS = (
    Column("candidate", "candidate"),
    Column("sse", "KB per SSE client", ".1f"),
    Column("websocket", "KB per WebSocket client", ".1f"),
    Column("idle", "MB of the process without clients", ".0f"),
)


def run(bench: Bench) -> list[Table]:
    """One table; the memory is the proportional set size, without the kernel's buffers."""
    peers = [peer for peer in lineup(bench.before) if peer.name != PUBSUB]
    with bench.scope(), ExitStack() as stack:
        candidates, missing = start_all(peers, bench, stack)
        rows: list[Row] = [
            one.row() | {"idle": one.served.process.memory() / 1e6} for one in candidates
        ]
        table = Table(
            name="memory",
            title=f"{TITLE}, all of one channel",
            columns=_COLUMNS,
            rows=rows,
            chart=Chart("sse", "candidate"),
            notes=[
                (
                    f"Over {CLIENTS:,} clients, or {FEW:,} of those that are slow to connect. "
                    "Proportional set size of the server's processes; buffers in the kernel come "
                    "on top. The WebSocket clients are measured on top of the SSE clients."
                )
            ],
        )
        for transport in (SSE, WEBSOCKET):
            able = [
                (one, row)
                for one, row in zip(candidates, rows, strict=True)
                if transport in one.peer.transports
            ]
            found = _measure(bench, [one for one, _ in able], transport)
            for (candidate, row), memory in zip(able, found, strict=True):
                row.update(candidate.row())
                if candidate.lost is None:
                    row[transport] = memory
        judge(table, candidates)
    table.rows += [absent(*one) for one in missing]
    return [table]


def _measure(bench: Bench, candidates: Sequence[Candidate], transport: str) -> list[float]:
    """KB for each client; those of the other transport stay."""
    sizes = []
    for candidate in candidates:
        size = CLIENTS if candidate.peer.closely else FEW
        sizes.append(bench.clients or (200 if bench.quick else size))
        candidate.use(transport, bench.folder, keep=transport != SSE)
    before = _memory(candidates, [_FIRST] * len(candidates))
    after = _memory(candidates, [_FIRST + size for size in sizes])
    return [
        (more - less) / size / 1024 for less, more, size in zip(before, after, sizes, strict=True)
    ]


def _memory(candidates: Sequence[Candidate], sizes: Sequence[int]) -> list[int]:
    """Bytes, once each has so many clients that have got some events."""
    for candidate, size in zip(candidates, sizes, strict=True):
        candidate.grow(size)
    time.sleep(_SETTLE)
    return [candidate.served.process.memory() for candidate in candidates]
