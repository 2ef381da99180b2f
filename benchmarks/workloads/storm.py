"""A reconnect storm: 2,000 clients that come at once, each with a job of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import psycopg

from benchmarks.bench import Bench
from benchmarks.candidate import Candidate, absent, judge, start_all
from benchmarks.generator.loss import Lost
from benchmarks.lineup import CORE, lineup
from benchmarks.peers.contract import SSE, Peer
from benchmarks.product.servers import (
    PLAIN,
    UVICORN,
    WITH_WRITER,
    WITHOUT_WRITER,
    WRITER,
    Product,
)
from benchmarks.rounds import medians
from benchmarks.table import Column, Row, Table

TITLE = "Reconnect storm"
CLIENTS = 2_000
_PAUSE = 0.5  # seconds between a hang-up and the storm
_SNAPSHOT, _RESUMED, _STREAM = "a snapshot", "the stream from its cursor on", "the stream"
_COLUMNS = (
    Column("candidate", "candidate"),
    Column("what", "what each client gets"),
    Column("seconds", "s until all have it", ".2f"),
    Column("rate", "clients/s", ",.0f"),
    Column("cpu", "server CPU, µs/client", ".0f"),
    Column("queries", "queries in all", ".0f"),
)
_PEERS = ("ceiling", "nchan", "eventstream", CORE)


def run(bench: Bench) -> list[Table]:
    """One table: a storm of clients without a cursor, and one of clients that resume."""
    clients = bench.clients or (200 if bench.quick else CLIENTS)
    table = Table(
        name="storm",
        title=f"{TITLE}: {clients:,} SSE clients at once, each with a channel of its own",
        columns=_COLUMNS,
        notes=[
            "The product's jobs are in PostgreSQL, its log in Redis; queries are those of jobs."
        ],
    )
    with bench.scope(), ExitStack() as stack:
        candidates, missing = start_all(_candidates(), bench, stack, clients)
        for candidate in candidates:
            candidate.use(SSE, bench.folder)
            try:
                table.rows += _storms(bench, candidate, clients)
            except Lost as lost:
                candidate.lost = str(lost)
                table.rows.append(candidate.row())
            # Those who stayed would take time from the next one.
            candidate.generator.shrink()
        judge(table, candidates)
    table.rows += [absent(*one) for one in missing]
    return [table]


Queries = Callable[[], int]


def _candidates() -> list[Peer]:
    found: list[Peer] = [
        Product(WITH_WRITER, [*UVICORN, *WRITER], redis=0, postgres="storm_0"),
        Product(WITHOUT_WRITER, [*UVICORN, *PLAIN], redis=1, postgres="storm_1"),
    ]
    return [*found, *(peer for peer in lineup() if any(word in peer.name for word in _PEERS))]


def _storms(bench: Bench, candidate: Candidate, clients: int) -> list[Row]:
    ours = candidate.peer.ours
    queries = _counter(candidate.served.environment["DATABASE_URL"]) if ours else None
    kinds = [_SNAPSHOT, _RESUMED] if ours else [_STREAM]
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    rounds = bench.rounds if candidate.peer.closely else 1  # The slow ones take ten seconds each.
    for kind in [kind for kind in kinds for _ in range(rounds)]:
        if candidate.generator.size:
            candidate.generator.shrink(resume=kind == _RESUMED)
            time.sleep(_PAUSE)
        found[kind].append(_storm(candidate, clients, queries))
    candidate.generator.warm_up()  # Whoever is said to follow does.
    return [candidate.row() | {"what": kind} | medians(found[kind]) for kind in kinds]


def _storm(candidate: Candidate, clients: int, queries: Queries | None) -> dict[str, float]:
    process, generator = candidate.served.process, candidate.generator
    cpu, asked = process.cpu_seconds(), queries() if queries else 0
    seconds = generator.grow(clients, step=clients)
    spent = process.cpu_seconds() - cpu
    found = {"seconds": seconds, "rate": clients / seconds, "cpu": 1e6 * spent / clients}
    if queries is not None:
        found["queries"] = queries() - asked
    return found


def _counter(url: str) -> Queries:
    """How many statements that read jobs this database has had."""

    def count() -> int:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            row = connection.execute(
                "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"
                " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
                " AND query ILIKE 'select%pushjobs_job%'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    return count
