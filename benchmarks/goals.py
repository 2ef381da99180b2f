"""Goals: what the product is to reach beside its peers, and what it has reached in one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.lineup import CORE, PUBSUB
from benchmarks.peers.ceiling import Ceiling
from benchmarks.peers.contract import SSE, WEBSOCKET
from benchmarks.peers.nchan import Nchan
from benchmarks.product.servers import WITH_WRITER, WITHOUT_WRITER
from benchmarks.table import Column, Row, Table
from benchmarks.workloads import growth
from benchmarks.workloads.fanout import BURST, CLIENTS, LABEL, latency_name, limit_name
from benchmarks.workloads.manyjobs import ALONE, CHANNELS, WITHOUT

_NOTE = (
    "In brackets: what is not the goal itself, held against the same limit. The usual consumer is "
    "the one on the core layer, which the documentation of Channels sets up; channels-redis calls "
    "its pub/sub layer beta."
)
_COLUMNS = (
    Column("what", "what"),
    Column("goal", "goal"),
    Column("found", "measured", ".2f"),
    Column("reached", "reached"),
)
#: One event at a time, and as many as are published in bursts.
_WINDOWS = {1: "one at a time", BURST: f"{BURST} at a time"}
#: At least what of nchan's rate: on a server that hands out writers, and on a bare one.
_OF_NCHAN = {SSE: (1.0, 0.75), WEBSOCKET: (0.8, 0.5)}
_OF_CONSUMERS = 15.0
_KILOBYTES = {SSE: 12.0, WEBSOCKET: 20.0}
#: Milliseconds vary by so much from one run to the next; a query that reads a table ten times the
#: size takes ten times as long.
_SLOWER = 2.0


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure, None where it was not measured, and the least or the most that it is to be.

    One that stands ``beside`` another is held against that one's limit, in brackets.
    """

    what: str
    found: float | None
    least: float | None = None
    most: float | None = None
    beside: bool = False

    def row(self) -> Row:
        limit = "–" if self.least is None else f"≥ {self.least:g}"
        if self.most is not None:
            limit = f"≤ {self.most:g}"
        said = {"goal": limit, "reached": self._said()}
        if self.beside:
            said = {key: text if text == "–" else f"({text})" for key, text in said.items()}
        return {"what": self.what, "found": self.found, **said}

    def _said(self) -> str:
        if self.found is None:
            return "not measured"
        if self.least is None and self.most is None:
            return "–"
        low = self.least is not None and self.found < self.least
        return "no" if low or (self.most is not None and self.found > self.most) else "yes"


class Found:
    """The figures of a run, by table, candidate and column."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables: Mapping[str, Sequence[Row]] = {table.name: table.rows for table in tables}

    def figures(self, table: str, key: str, names: Sequence[str]) -> list[float]:
        """Those there are, in no order."""
        return [
            row[key]
            for row in self._tables.get(table, ())
            if row.get("candidate") in names and row.get(key) is not None
        ]

    def ratio(self, table: str, key: str, ours: str, peer: str) -> float | None:
        """Ours, of the peer's."""
        mine, theirs = self.figures(table, key, [ours]), self.figures(table, key, [peer])
        return mine[0] / theirs[0] if mine and theirs else None

    def least(self, table: str, key: str, names: Sequence[str]) -> float | None:
        return min(self.figures(table, key, names), default=None)

    def most(self, table: str, key: str) -> float | None:
        rows = self._tables.get(table, ())
        return max((row[key] for row in rows if row.get(key) is not None), default=None)


def judge(tables: Iterable[Table]) -> Table:
    """The table of all goals. One that is not reached says so and changes nothing else."""
    found = Found(tables)
    goals = [*_fanout(found), *_many(found), *_latency(found), *_memory(found)]
    goals += [*_requests(found), *_growth(found)]
    return Table("goals", "Goals", _COLUMNS, rows=[goal.row() for goal in goals], notes=[_NOTE])


def _fanout(found: Found) -> Iterator[Goal]:
    for transport, limits in _OF_NCHAN.items():
        name = f"{LABEL[transport]}, {CLIENTS:,} clients"
        for window, how in _WINDOWS.items():
            table = limit_name(transport, CLIENTS, window)
            for ours, least in zip((WITH_WRITER, WITHOUT_WRITER), limits, strict=True):
                ratio = found.ratio(table, "rate", ours, Nchan.name)
                yield Goal(f"{name}, {how}: {ours}, of nchan", ratio, least)
            of_consumers = _OF_CONSUMERS if transport == SSE else None
            yield from _consumers(found, table, f"{name}, {how}", of_consumers)


def _many(found: Found) -> Iterator[Goal]:
    what = f"{CHANNELS:,} channels with a client each"
    for peer in (ALONE, WITHOUT):
        ratio = found.ratio("manyjobs", "rate", WITH_WRITER, peer)
        yield Goal(f"{what}: of {peer}", ratio, 0.5)
    yield from _consumers(found, "manyjobs", what, 10.0)


def _consumers(found: Found, table: str, what: str, least: float | None) -> Iterator[Goal]:
    for peer, said, beside in (
        (CORE, "the usual Channels consumers, core layer", False),
        (PUBSUB, "Channels consumers, pub/sub layer", True),
    ):
        ratio = found.ratio(table, "rate", WITH_WRITER, peer)
        yield Goal(f"{what}: of {said}", ratio, least, beside=beside)


def _latency(found: Found) -> Iterator[Goal]:
    for transport in (SSE, WEBSOCKET):
        for ours in (WITH_WRITER, WITHOUT_WRITER):
            table = latency_name(transport, CLIENTS)
            ratio = found.ratio(table, "each_p99", ours, Ceiling.name)
            what = f"p99 at a fifth of the limit, {LABEL[transport]}: {ours}, of the ceiling's"
            yield Goal(what, ratio, most=3.0)


def _memory(found: Found) -> Iterator[Goal]:
    for transport, most in _KILOBYTES.items():
        kilobytes = found.least("memory", transport, [WITH_WRITER])
        yield Goal(f"KB per idle {LABEL[transport]} client", kilobytes, most=most)


def _requests(found: Found) -> Iterator[Goal]:
    accept = found.least("accept", "ratio", ["pushjobs"])
    yield Goal("accept: of a bare view that inserts a row", accept, 0.6)
    polls = found.least("polling", "ratio", ["pushjobs, 202", "pushjobs, 200"])
    yield Goal("poll, 202 or 200: of a bare view that reads a row", polls, 0.8)
    worker = found.least("worker", "ratio", ["pushjobs"])
    yield Goal("worker: of a bare actor", worker, 0.5)


def _growth(found: Found) -> Iterator[Goal]:
    for transport in (SSE, WEBSOCKET):
        what = f"a delivery's cost, {growth.MANY:,} clients of {growth.FEW:,}, {LABEL[transport]}"
        for name in (WITH_WRITER, Ceiling.name, Nchan.name):
            ratio = found.least(growth.NAME, "ratio", [f"{name}, {LABEL[transport]}"])
            yield Goal(f"{what}: {name}", ratio, most=1.33 if name == WITH_WRITER else None)
        of_user = found.least(growth.NAME, "ratio_user", [f"{WITH_WRITER}, {LABEL[transport]}"])
        yield Goal(f"{what}: {WITH_WRITER}, in user mode", of_user)
    rows = found.most("scaling-rows", "ratio")
    yield Goal("queries, ten times the rows: the one that slows most", rows, most=_SLOWER)
