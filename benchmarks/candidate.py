"""A candidate: a peer that runs, its clients of one transport, and what is measured of both."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import cores
from benchmarks.bench import Bench
from benchmarks.generator.control import Generator
from benchmarks.generator.loss import Lost
from benchmarks.peers.contract import Peer, Served
from benchmarks.table import Row, Table
from benchmarks.together import together


@dataclass
class Candidate:
    """``lost`` says why its figures no longer count: something that was published did not come."""

    peer: Peer
    served: Served
    generator: Generator
    lost: str | None = None

    @classmethod
    def start(cls, peer: Peer, bench: Bench, stack: ExitStack, channels: int = 1) -> Candidate:
        """Start a peer and its generator, without clients; they end with the stack."""
        served = peer.serve(bench, channels)
        generator = Generator(bench, served.process.name)
        stack.callback(generator.stop)
        generator.publisher(served.publisher, served.environment, served.cwd)
        return cls(peer, served, generator)

    def use(self, transport: str, folder: Path, *, keep: bool = False) -> None:
        """Have clients of this transport from now on, none at first; or ``keep`` those there are.

        Those that are kept are no longer counted.
        """
        served, self.lost = self.served, None
        follows = served.follows(transport, folder)
        self.generator.crowd(served.port, transport, served.ready[transport], follows, keep=keep)

    def row(self) -> Row:
        """The beginning of its row, and the reason where it has no figures."""
        row: Row = {"candidate": self.peer.name, "ours": self.peer.ours}
        return row if self.lost is None else row | {"missing": "no figure, see below"}

    def grow(self, size: int) -> None:
        """Have so many clients, which have got some events."""
        if self.lost is None:
            try:
                self.generator.grow(size, step=self.served.step)
                self.generator.warm_up()
            except Lost as lost:
                self.lost = str(lost)

    def loop(self, seconds: float, window: int = 1) -> dict[str, float]:
        """Figures of one closed loop; none once deliveries were lost.

        ``rate`` in thousands of deliveries a second, ``cpu`` in microseconds of the server's for
        each, of which ``user`` were its own and not the kernel's. In percent of the time, ``busy``
        is for how much of it the server had its core, ``generator`` for how much the load generator
        had one, and ``others`` how busy the cores beside the server's were: with generator,
        publisher and stores.
        """
        if self.lost is not None:
            return {}
        server = self.served.process
        before, of_generator = server.cpu_seconds(), self.generator.cpu_seconds()
        user = server.user_seconds()
        of_others = cores.busy_seconds()
        try:
            found = self.generator.closed(seconds, window)
        except Lost as lost:
            self.lost = str(lost)
            return {}
        cpu, user = server.cpu_seconds() - before, server.user_seconds() - user
        of_generator = self.generator.cpu_seconds() - of_generator
        of_others = (cores.busy_seconds() - of_others) / len(cores.OTHERS)
        return {
            "rate": found["deliveries"] / found["seconds"] / 1e3,
            "cpu": 1e6 * cpu / found["deliveries"],
            "user": 1e6 * user / found["deliveries"],
            "busy": 100 * cpu / found["seconds"],
            "generator": 100 * of_generator / found["seconds"],
            "others": 100 * of_others / found["seconds"],
        }

    def timed(self, seconds: float, rate: float) -> dict[str, float]:
        """Latencies of an open loop, in milliseconds, at ``rate`` thousand deliveries a second."""
        if self.lost is not None:
            return {}
        try:
            found = self.generator.open(seconds, 1e3 * rate / self.generator.size)
        except Lost as lost:
            self.lost = str(lost)
            return {}
        latencies = {k: 1e3 * v for k, v in found.items() if k.startswith(("each", "last"))}
        return latencies | {"at": found["deliveries"] / found["seconds"] / 1e3}


def start_all(
    peers: Iterable[Peer], bench: Bench, stack: ExitStack, channels: int = 1
) -> tuple[list[Candidate], list[tuple[Peer, str]]]:
    """Those asked for that can run, started at the same time, and why the others cannot.

    A quick run is one without those that are slow.
    """
    chosen = [peer for peer in peers if bench.wants(peer.name)]
    if bench.quick and not bench.only:
        chosen = [peer for peer in chosen if peer.closely]
    reasons = [(peer, peer.missing()) for peer in chosen]
    able = [peer for peer, reason in reasons if reason is None]
    started = together(partial(Candidate.start, peer, bench, stack, channels) for peer in able)
    return started, [(peer, reason) for peer, reason in reasons if reason is not None]


def judge(table: Table, candidates: Iterable[Candidate]) -> None:
    """Say what was lost; it makes the run fail where the peer must hold."""
    for candidate in candidates:
        if candidate.lost is not None:
            said = table.failures if candidate.peer.must_hold else table.notes
            said.append(f"{candidate.peer.name}: {candidate.lost}")


def absent(peer: Peer, reason: str) -> Row:
    """The row of a peer that this machine cannot run."""
    return {"candidate": peer.name, "ours": peer.ours, "missing": reason}
