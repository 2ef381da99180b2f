"""Growth: what a delivery costs with few clients and with many, measured in turn.

Each candidate runs twice, with few clients and with many, which are measured one right after the
other and compared round by round: a noisy minute falls on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from statistics import median

from benchmarks.bench import Bench
from benchmarks.candidate import Candidate, absent, judge, start_all
from benchmarks.lineup import yardsticks
from benchmarks.peers.contract import SSE, WEBSOCKET
from benchmarks.rounds import Figures, in_turn, medians
from benchmarks.table import Chart, Column, Row, Table
from benchmarks.workloads.fanout import LABEL, limit_table

TITLE = "Growth"
NAME = "fanout-growth"
FEW, MANY = 100, 5_000
_OF_FEW = 10  # the first of Redis' databases for those with few clients
_MORE_ROUNDS = 2  # than elsewhere: a ratio varies by more than each of its figures
_COLUMNS = (
    Column("candidate", "candidate"),
    Column("alone", "one client, µs CPU/event", ".0f"),
    Column("few", "few clients, µs CPU/delivery", ".2f"),
    Column("many", "many clients, µs CPU/delivery", ".2f"),
    Column("ratio", "many of few", ".2f"),
    Column("further", "the same without the first client", ".2f"),
    Column("few_user", "few, in user mode", ".2f"),
    Column("many_user", "many, in user mode", ".2f"),
    Column("ratio_user", "many of few, in user mode", ".2f"),
)


def run(bench: Bench) -> list[Table]:
    """Of each transport the rates of few and of many clients; and how their costs compare."""
    few, many = (20, 100) if bench.quick else (FEW, bench.clients or MANY)
    growth = Table(
        name=NAME,
        title=f"Fan-out: one channel: what a delivery costs, {many:,} clients and {few:,}",
        columns=_COLUMNS,
        notes=[
            (
                "One event at a time. The two are measured one right after the other, and the "
                "ratio is the median of those of the rounds."
            ),
            (
                "With few clients each bears more of what an event costs by itself, which hides "
                "growth. So the column after compares what each client costs after the first."
            ),
            (
                "In user mode is what the server does itself. The rest is the kernel's, for writes "
                "to sockets: on the loopback interface both ends of TCP are in it."
            ),
        ],
        chart=Chart("ratio", "candidate"),
    )
    tables: list[Table] = []
    with bench.scope(), ExitStack() as stack:
        small, missing = start_all(yardsticks(bench.before, _OF_FEW), bench, stack)
        large, _ = start_all(yardsticks(bench.before), bench, stack)
        for transport in (SSE, WEBSOCKET):
            alone = [_alone(bench, one, transport) for one in small]
            for one in small:
                one.grow(few)
            for one in large:
                one.use(transport, bench.folder)
                one.grow(many)
            found = in_turn(
                list(chain.from_iterable(zip(small, large, strict=True))),
                bench.rounds + _MORE_ROUNDS,
                lambda one: one.loop(bench.seconds * (0.5 if one.generator.size == few else 1)),
            )
            unable = [absent(*one) for one in missing]
            for size, candidates, of_size in ((few, small, found[::2]), (many, large, found[1::2])):
                rows = [
                    one.row() | medians(rounds)
                    for one, rounds in zip(candidates, of_size, strict=True)
                ]
                tables.append(limit_table(transport, size, 1, rows + unable))
                judge(tables[-1], candidates)
            for one, cost, of_few, of_many in zip(
                small, alone, found[::2], found[1::2], strict=True
            ):
                row = one.row() | compared(cost, few, of_few, many, of_many)
                growth.rows.append(row | {"candidate": f"{one.peer.name}, {LABEL[transport]}"})
    return [*tables, growth]


def _alone(bench: Bench, candidate: Candidate, transport: str) -> float | None:
    """Microseconds that an event costs with one client; None once deliveries were lost."""
    candidate.use(transport, bench.folder)
    candidate.grow(1)
    return medians([candidate.loop(bench.seconds / 4) for _ in range(bench.rounds)]).get("cpu")


def compared(
    alone: float | None, few: int, of_few: Sequence[Figures], many: int, of_many: Sequence[Figures]
) -> Row:
    """A candidate's figures; none once deliveries were lost.

    ``alone`` is the µs of an event with one client, ``few`` and ``many`` are those of a delivery,
    ``ratio`` and ``further`` the medians of the rounds' ratios; ``…_user`` is of the time that was
    not the kernel's, and its ratio that of the medians.
    """
    rounds = [(a, b) for a, b in zip(of_few, of_many, strict=True) if a and b]
    if not rounds or alone is None:
        return {}
    pairs = [(a["cpu"], b["cpu"]) for a, b in rounds]

    def further(cost: float, size: int) -> float:
        return (size * cost - alone) / (size - 1)

    few_user, many_user = (median(a["user"] for a in size) for size in zip(*rounds, strict=True))
    return {
        "alone": alone,
        "few": median(a for a, _ in pairs),
        "many": median(b for _, b in pairs),
        "ratio": median(b / a for a, b in pairs),
        "further": median(further(b, many) / further(a, few) for a, b in pairs),
        "few_user": few_user,
        "many_user": many_user,
        # A short round may have none, as it is counted in ticks.
        "ratio_user": many_user / few_user if few_user else None,
    }
