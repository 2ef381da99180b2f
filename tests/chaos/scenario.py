"""A scenario: jobs, clients that follow them, a fault in the middle, and the oracle at the end."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import httpx

from tests.chaos.cluster import Cluster
from tests.chaos.evidence import Asked, Evidence
from tests.chaos.followers import Follower
from tests.chaos.history import History
from tests.chaos.logs import read_log
from tests.chaos.oracle import judge
from tests.chaos.speech import speech
from tests.chaos.submitter import Submitter
from tests.chaos.tally import Tally
from tests.chaos.transports import TRANSPORTS, Entrance

T = TypeVar("T")

#: How each kind of job may end. One that is cancelled may be over before.
_ENDINGS = {
    "succeed": frozenset({"succeeded"}),
    "recover": frozenset({"succeeded"}),
    "fail": frozenset({"failed"}),
    "cancel": frozenset({"cancelled", "succeeded"}),
}
_MIX = ("succeed",) * 6 + ("fail", "recover", "cancel")
#: One job in so many is followed over a socket that it shares with others.
_SHARED = 5
#: Seconds since its last line in the ledger within which an attempt counts as at work.
_FRESH = 0.3


@dataclass(frozen=True)
class Scale:
    """How much: jobs, clients of a crowd, and the seconds that something is out of reach."""

    jobs: int
    crowd: int
    outage: float


class Scenario:
    """One fault. Every random choice comes from ``seed``."""

    #: Whether an attempt may go on for a while after the next one has begun.
    overlap: ClassVar[bool] = False
    #: Whether the log is away for so long that an end may say that output is missing.
    log_away: ClassVar[bool] = False
    #: Whether clients may meet no break but what the server has announced.
    gentle: ClassVar[bool] = False
    #: Seconds within which every client must know the end of every job, once the fault is over.
    patience: ClassVar[float] = 60.0
    #: Seconds over which the jobs are submitted, and how long a step of a job takes on average.
    spread: ClassVar[float] = 2.0
    pace: ClassVar[float] = 0.05

    def __init__(self, cluster: Cluster, seed: int, scale: Scale) -> None:
        self.cluster = cluster
        self.scale = scale
        self.chance = random.Random(f"{type(self).__name__}:{seed}")
        self.histories: list[History] = []
        self.asked: dict[str, Asked] = {}
        self.held: set[str] = set()
        self._followers: list[asyncio.Task[None]] = []
        self._gates: list[Path] = []
        self._began = time.time()

    async def disturb(self) -> None:
        """Do the harm, while jobs are submitted, run and followed."""
        raise NotImplementedError

    def verify(self, evidence: Evidence, tally: Tally) -> None:
        """Judge what only this scenario knows of."""

    async def run(self) -> Tally:
        """Play it, and judge; the cluster is whole again afterwards."""
        self.cluster.ledger.clear()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=self.keepalive)
        async with httpx.AsyncClient(limits=limits, trust_env=False, verify=False) as http:
            self.http = http
            self.entrances = [Entrance(port, http) for port in self.ports]
            self.submitter = Submitter(self.entrances, self.chance)
            async with self._following():
                failure = ""
                self.work = asyncio.create_task(self.load())
                try:
                    await asyncio.sleep(self.chance.uniform(0.2, self.spread / 2))
                    await self.disturb()
                    await self.work
                except AssertionError as error:
                    failure = str(error)
                finally:
                    self.work.cancel()
                    for gate in self._gates:
                        gate.touch()
                    await self.there(self.cluster.revive)
                waiting = await self._await_followers()
                evidence = await self._evidence()
        tally = judge(evidence)
        for what in (*waiting, *filter(None, [failure])):
            tally.problem(what)
        self.verify(evidence, tally)
        return tally

    @property
    def ports(self) -> list[int]:
        """Where clients connect."""
        return [door.port for door in self.cluster.doors]

    @property
    def keepalive(self) -> int:
        """How many idle connections clients keep."""
        return 50

    async def load(self) -> None:
        """Submit the jobs, each with a client of its own; some share a socket."""
        accepted = await asyncio.gather(*map(self._submit_later, range(self.scale.jobs)))
        together = accepted[_SHARED - 1 :: _SHARED]
        if together:
            self.follow("websocket", *together)

    async def submit(self, *, ending: str = "", steps: int = 0, gate: str = "") -> dict[str, Any]:
        """The document of an accepted job; what is not given is left to chance."""
        ending = ending or self.chance.choice(_MIX)
        steps = steps or self.chance.randint(1, 6)
        pause = round(self.chance.uniform(0.2, 1.8) * self.pace, 3)
        document = await self.submitter.submit(
            "chaos.work",
            number=len(self.asked),
            steps=steps,
            pause=pause,
            ending="succeed" if ending == "cancel" else ending,
            gate=gate,
        )
        self.asked[document["id"]] = Asked(_ENDINGS[ending], speech(steps))
        if ending == "cancel":
            await self.submitter.cancel(document)
        return document

    def follow(self, transport: str, *documents: dict[str, Any]) -> list[History]:
        """Let one more client follow these jobs from their beginning."""
        return self.follow_at(self.entrances, transport, *documents)

    def follow_at(
        self, entrances: list[Entrance], transport: str, *documents: dict[str, Any]
    ) -> list[History]:
        """Let one more client follow these jobs, through these entrances."""
        name = f"{transport}-{len(self._followers)}"
        histories = [History(name, document, document["cursor"]) for document in documents]
        self.histories += histories
        follower = Follower(histories, transport, entrances, random.Random(self.chance.random()))
        self._followers.append(asyncio.create_task(follower.follow(), name=name))
        return histories

    async def hold(self, count: int) -> Path:
        """Submit jobs that wait for the file that is returned; each has a client."""
        gate = self.gate()
        for _ in range(count):
            document = await self.submit(ending="succeed", gate=str(gate))
            self.held.add(document["id"])
            self.follow(self.chance.choice(list(TRANSPORTS)), document)
        return gate

    def gate(self) -> Path:
        """A file that is not there; jobs may wait for it, to the end of the scenario at most."""
        self._gates.append(self.cluster.folder / f"gate-{self.chance.getrandbits(64):x}")
        return self._gates[-1]

    async def at_work(self, numbers: Sequence[int] = (0, 1)) -> tuple[int, list[str]]:
        """Wait until one of these workers has held jobs in hand; returns its number, and which."""
        found: list[tuple[int, list[str]]] = []

        def busy() -> bool:
            recent = time.monotonic() - _FRESH
            stints = [item for item in self.cluster.ledger.stints() if item.job in self.held]
            for number in numbers:
                group = self.cluster.workers[number].pid
                jobs = [
                    stint.job
                    for stint in stints
                    if stint.last > recent and _group_of(stint.process) == group
                ]
                if jobs:
                    found.append((number, jobs))
            return bool(found)

        await self.until(busy, "a worker that has something to do")
        return self.chance.choice(found)

    async def known(self) -> None:
        """Wait until all is submitted, and every client knows the end of its jobs."""
        await self.work
        await self.until(lambda: all(item.over for item in self.histories), "all to be over")

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for a condition; an ``AssertionError`` after ``patience`` seconds."""
        deadline = time.monotonic() + self.patience
        while not holds():
            if time.monotonic() > deadline:
                tails = "\n".join(history.tail() for history in self.histories if not history.over)
                raise AssertionError(f"waited in vain for {what}\n{tails}")
            await asyncio.sleep(0.05)

    @staticmethod
    async def there(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call what blocks, while the clients go on."""
        return await asyncio.to_thread(function, *args, **kwargs)

    async def _submit_later(self, number: int) -> dict[str, Any]:
        await asyncio.sleep(self.chance.uniform(0, self.spread))
        document = await self.submit()
        if number % _SHARED != _SHARED - 1:
            self.follow(self.chance.choice(list(TRANSPORTS)), document)
        return document

    @asynccontextmanager
    async def _following(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for task in self._followers:
                task.cancel()
            await asyncio.gather(*self._followers, return_exceptions=True)

    async def _await_followers(self) -> list[str]:
        """Wait until each client knows; returns what those say that do not."""
        if self._followers:
            await asyncio.wait(self._followers, timeout=self.patience)
        found = []
        for task in self._followers:
            if not task.done():
                found.append(f"{task.get_name()} waits for ever")
            elif task.exception() is not None:
                found.append(f"{task.get_name()} failed: {task.exception()!r}")
        return found

    async def _evidence(self) -> Evidence:
        jobs = {job for found in self.submitter.accepted.values() for job in found}
        rows = await self.there(self.cluster.database.rows, sorted(jobs), self._began)
        documents = {history.job_id: history.job for history in self.histories}
        logs = await asyncio.gather(
            *(read_log(self.entrances[0], document) for document in documents.values())
        )
        return Evidence(
            accepted=self.submitter.accepted,
            asked=self.asked,
            rows=rows,
            logs=dict(zip(documents, logs, strict=True)),
            histories=self.histories,
            stints=self.cluster.ledger.stints(),
            overlap=self.overlap,
            log_away=self.log_away,
            gentle=self.gentle,
            refusals=self.submitter.refusals,
        )


def _group_of(process: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(process)
    return None
