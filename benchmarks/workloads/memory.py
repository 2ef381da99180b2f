"""Memory: what an idle client costs the server's process."""

from __future__ import annotations

import time
from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.candidate import Candidate, absent, judge
from benchmarks.lineup import lineup
from benchmarks.peers.contract import SSE, WEBSOCKET, Peer
from benchmarks.table import Chart, Column, Row, Table

TITLE = "Memory per idle client"
CLIENTS = 2_000
#: The first ones are not counted: they pay for pools, caches and code that is loaded late.
_FIRST = 300
_SETTLE = 1.0  # seconds, in which what the connects have left over is freed
_COLUMNS = (
    Column("candidate", "candidate"),
    Column("sse", "KB per SSE client", ".1f"),
    Column("websocket", "KB per WebSocket client", ".1f"),
    Column("idle", "MB of the process without clients", ".0f"),
)


def run(bench: Bench) -> list[Table]:
    """One table; the memory is the proportional set size, without the kernel's buffers."""
    clients = bench.clients or (300 if bench.quick else CLIENTS)
    table = Table(
        name="memory",
        title=f"{TITLE}, over {clients:,} clients of one channel",
        columns=_COLUMNS,
        chart=Chart("sse", "candidate"),
        notes=[
            "Proportional set size of the server's processes; buffers in the kernel come on top."
        ],
    )
    for peer in lineup(bench.before):
        if not bench.wants(peer.name):
            continue
        reason = peer.missing()
        if reason is not None:
            table.rows.append(absent(peer, reason))
            continue
        row: Row = {"candidate": peer.name, "ours": peer.ours}
        for transport in (SSE, WEBSOCKET):
            if transport in peer.transports:
                row |= _measure(bench, peer, transport, clients, table)
        table.rows.append(row)
    return [table]


def _measure(bench: Bench, peer: Peer, transport: str, clients: int, table: Table) -> Row:
    with bench.scope(), ExitStack() as stack:
        candidate = Candidate.start(peer, bench, stack)
        candidate.use(transport, bench.folder)
        process = candidate.served.process
        idle = process.memory()
        candidate.grow(_FIRST)
        time.sleep(_SETTLE)
        before = process.memory()
        candidate.grow(_FIRST + clients)
        time.sleep(_SETTLE)
        after = process.memory()
        judge(table, [candidate])
        if candidate.lost is not None:
            return {}
        return {transport: (after - before) / clients / 1024, "idle": idle / 1e6}
