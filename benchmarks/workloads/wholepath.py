"""The whole path: from a worker's progress to a client's frame, from a job's end to its knowing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection

import uvloop

from benchmarks import cores, sites
from benchmarks.bench import Bench
from benchmarks.followers import Document, Follower, Learned, Poller, SocketFollower, StreamFollower
from benchmarks.process import Failed
from benchmarks.rounds import alternate
from benchmarks.sites import Site
from benchmarks.table import Chart, Column, Table
from benchmarks.together import together
from project.stack.ports import LOOPBACK

TITLE = "Whole path: worker to client"

_JOBS = 8  # at a time, one for each of the worker's threads
_STEPS, _PAUSE = 12, 0.13  # seconds; longer than progress is collapsed for
_PATIENCE = 45.0
_CELERY = "Celery and celery-progress"

#: How many clients follow each job in each way, and what the way is called.
_SSE, _SOCKET = "pushed, SSE", "pushed, WebSocket"
_LONG, _EACH_SECOND = "long-polled (Prefer: wait)", "polled each second"
_EACH_HALF = "polled each half second"


@dataclass(frozen=True, slots=True)
class Way:
    """A way in which the clients of a candidate learn of a job."""

    name: str
    clients: int
    follower: Callable[[str, str], Follower]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A site with a web process; its worker is started when all clients are there."""

    name: str
    site: Site
    port: int
    path: str
    job: str
    ways: Sequence[Way]


def run(bench: Bench) -> list[Table]:
    """Submit jobs, let clients follow them, start a worker, and see when each client knows."""
    candidates = _candidates(bench)
    steps = 4 if bench.quick else _STEPS
    with cores.beside():
        found = alternate(
            candidates,
            bench.rounds,
            lambda item: _measure(bench, item, steps),
            once=lambda item: not item.name.startswith("pushjobs"),  # They poll: no noise shows.
        )
    progress = Table(
        "wholepath-progress",
        f"{TITLE}, from run.progress() to the client",
        [
            Column("candidate", "candidate"),
            Column("progress_p50", "p50, ms", ",.1f"),
            Column("progress_p99", "p99, ms", ",.1f"),
        ],
        notes=[
            (
                f"{_JOBS} jobs at a time tell their progress every {1000 * _PAUSE:.0f} ms, each "
                "followed by 4 clients over SSE and 4 over WebSocket, while 6 more poll."
            ),
            "On two cores the worker, both stores and all clients share the one beside the server.",
        ],
        chart=Chart("progress_p99", "candidate"),
    )
    end = Table(
        "wholepath-end",
        f"{TITLE}, from the end of a job to the client's knowing",
        [
            Column("candidate", "candidate"),
            Column("end_p50", "p50, ms", ",.1f"),
            Column("end_p99", "p99, ms", ",.1f"),
        ],
        notes=[
            "From the handler's last line, so with the commit. Every client was told of every end.",
            (
                "Dramatiq and Celery push nothing: their clients poll, as tutorials do each "
                "second, and as celery-progress does 500 ms after each answer."
            ),
        ],
        chart=Chart("end_p99", "candidate", scale="log"),
    )
    for candidate, figures in zip(candidates, found, strict=True):
        for way in candidate.ways:
            row = {
                "candidate": f"{candidate.name}, {way.name}",
                "ours": candidate.name.startswith("pushjobs"),
            }
            mine = {
                key.removeprefix(f"{way.name}: "): value
                for key, value in figures.items()
                if key.startswith(f"{way.name}: ")
            }
            if "progress_p50" in mine:
                progress.rows.append(row | mine)
            end.rows.append(row | mine)
    if (absent := sites.celery_missing()) is not None:
        end.rows.append({"candidate": _CELERY, "missing": absent})
    return [progress, end]


def _candidates(bench: Bench) -> list[Candidate]:
    before = bench.before
    starts = [
        lambda: _ours("pushjobs", sites.product(bench)),
        lambda: _dramatiq(sites.plain(bench)),
    ]
    if sites.celery_missing() is None:
        starts.append(lambda: _celery(sites.celery(bench)))
    if before is not None:
        starts.append(
            lambda: _ours("pushjobs before", sites.product(bench, before, "pushjobs-before"))
        )
    return [item for item in together(starts) if bench.wants(item.name)]


def _dramatiq(site: Site) -> Candidate:
    ways = [Way(_EACH_SECOND, 4, lambda job, _: Poller(f"/reports/{job}", _result, 1.0))]
    return Candidate("Dramatiq and a results table", site, site.web()[1], "/reports", "steps", ways)


def _celery(site: Site) -> Candidate:
    def poller(job: str, token: str) -> Follower:
        return Poller(f"/celery-progress/{job}/", _result, 0.5)

    way = Way(_EACH_HALF, 4, poller)
    return Candidate(_CELERY, site, site.web()[1], "/tasks", "steps", [way])


def _ours(name: str, site: Site) -> Candidate:
    def poller(interval: float) -> Callable[[str, str], Follower]:
        return lambda job, token: Poller(
            f"/jobs/{job}", _result, interval, (f"Authorization: Bearer {token}",)
        )

    ways = [
        Way(_SSE, 4, StreamFollower),
        Way(_SOCKET, 4, SocketFollower),
        Way(_LONG, 2, poller(0.0)),
        Way(_EACH_SECOND, 4, poller(1.0)),
    ]
    return Candidate(name, site, site.web()[1], "/jobs", "bench.steps", ways)


def _result(document: Document) -> float | None:
    """When a job ended, by an answer about it; the same key in all three candidates."""
    result = document.get("result")
    return float(result["ended"]) if result else None


def _measure(bench: Bench, candidate: Candidate, steps: int) -> dict[str, float]:
    for _ in range(_JOBS):  # Each of the worker's threads opens its connections with one of these.
        _submit(candidate, candidate.job.replace("steps", "noop"), {})
    args = {"count": steps, "pause": _PAUSE}
    jobs = [_submit(candidate, candidate.job, args) for _ in range(_JOBS)]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, bench.scope():
        try:
            learned = runner.run(_follow(candidate, jobs))
        except TimeoutError:
            raise Failed(f"{candidate.name}: not all knew within {_PATIENCE:g} s") from None
        except ExceptionGroup as group:
            raise Failed(f"{candidate.name}: {group.exceptions[0]}") from group
    figures: dict[str, float] = {}
    for way in candidate.ways:
        mine = learned[way.name]
        ends = [item.end for item in mine if item.end is not None]
        if len(ends) != way.clients * _JOBS:
            raise Failed(f"{candidate.name}: {len(ends)} clients knew of an end ({way.name})")
        figures |= _quantiles(f"{way.name}: end", ends)
        if told := [seconds for item in mine for seconds in item.progress]:
            if any(item.done != steps for item in mine):
                raise Failed(f"{candidate.name}: a client missed progress ({way.name})")
            figures |= _quantiles(f"{way.name}: progress", told)
    return figures


async def _follow(candidate: Candidate, jobs: list[tuple[str, str]]) -> dict[str, list[Learned]]:
    """Let all clients follow, start the worker, and wait until all know."""
    everyone = asyncio.Event()
    waiting = sum(way.clients for way in candidate.ways) * len(jobs)

    def one_more() -> Callable[[], None]:
        told = False

        def ready() -> None:
            nonlocal told, waiting
            if not told:
                told, waiting = True, waiting - 1
            if not waiting:
                everyone.set()

        return ready

    async with asyncio.timeout(_PATIENCE), asyncio.TaskGroup() as group:
        tasks = {
            way.name: [
                group.create_task(way.follower(*job)(candidate.port, one_more()))
                for job in jobs
                for _ in range(way.clients)
            ]
            for way in candidate.ways
        }
        await everyone.wait()
        await asyncio.to_thread(candidate.site.worker, on=cores.OTHERS)
    return {name: [task.result() for task in made] for name, made in tasks.items()}


def _submit(candidate: Candidate, name: str, args: Document) -> tuple[str, str]:
    """Submit a job; its id and its token, where there is one."""
    connection = HTTPConnection(LOOPBACK, candidate.port, timeout=10)
    body = json.dumps({"name": name, "args": args})
    connection.request("POST", candidate.path, body, {"Content-Type": "application/json"})
    with connection.getresponse() as response:
        answer = json.loads(response.read())
    connection.close()
    if response.status != 202:
        raise Failed(f"{candidate.name}: a job was answered with {response.status}: {answer}")
    return str(answer["id"]), answer.get("token", "")


def _quantiles(name: str, seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    places = {part: min(len(ordered) - 1, int(part * len(ordered) / 100)) for part in (50, 99)}
    return {f"{name}_p{part}": 1e3 * ordered[place] for part, place in places.items()}
