"""Many jobs: 2,000 channels with one client each, published in batches of an event for each."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.candidate import absent, judge, start_all
from benchmarks.lineup import lineup
from benchmarks.peers.contract import SSE, Peer
from benchmarks.product.servers import HubAlone
from benchmarks.rounds import alternate
from benchmarks.table import Chart, Column, Table

TITLE = "Many jobs"
CHANNELS = 2_000
ALONE = "the hub alone, given ready events"
WITHOUT = "pushjobs without log and layer"
_LEFT_OUT = ("nchan", "Daphne")  # The one takes no batches, the other is measured in fan-out.
_COLUMNS = (
    Column("candidate", "candidate"),
    Column("rate", "thousand deliveries/s", ".1f"),
    Column("ratio", "of the hub alone", ".2f"),
    Column("cpu", "server CPU, µs/delivery", ".2f"),
    Column("busy", "server, % busy", ".0f"),
    Column("generator", "generator, % busy", ".0f"),
    Column("others", "other core, % busy", ".0f"),
)


def run(bench: Bench) -> list[Table]:
    """One table: the product, its hub without log and layer, and peers."""
    channels = bench.clients or (200 if bench.quick else CHANNELS)
    hub = HubAlone(ALONE)
    peers: list[Peer] = [hub, HubAlone(WITHOUT, "emitter"), *lineup(bench.before)]
    peers = [peer for peer in peers if not any(word in peer.name for word in _LEFT_OUT)]
    with bench.scope(), ExitStack() as stack:
        candidates, missing = start_all(peers, bench, stack, channels)
        for candidate in candidates:
            candidate.use(SSE, bench.folder)
            candidate.grow(channels)
        figures = alternate(candidates, bench.rounds, lambda one: one.loop(bench.seconds))
        rows = [one.row() | found for one, found in zip(candidates, figures, strict=True)]
    rows += [absent(*one) for one in missing]
    alone = next((row.get("rate") for row in rows if row["candidate"] == hub.name), None)
    for row in rows:
        if "rate" in row and alone:
            row["ratio"] = row["rate"] / alone
    table = Table(
        name="manyjobs",
        title=f"{TITLE}: {channels:,} channels with one SSE client each, published in batches",
        columns=_COLUMNS,
        rows=rows,
        chart=Chart("rate", "candidate"),
    )
    judge(table, candidates)
    return [table]
