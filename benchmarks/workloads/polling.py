"""Polling: GET of a job, beside a bare view that reads one row by its primary key."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from itertools import chain

from benchmarks import sites
from benchmarks.bench import Bench
from benchmarks.closedloop import request
from benchmarks.generator.control import Generator
from benchmarks.requestrounds import Candidate, compared
from benchmarks.sites import Site
from benchmarks.table import Table
from benchmarks.together import together
from project.stack.ports import LOOPBACK

TITLE = "Polling: GET a job"

_JOBS = 64  # that are asked for in turn


def run(bench: Bench) -> list[Table]:
    """Each answer is the whole document of a job, or 304 where the client has it."""
    before = bench.before
    starts = [lambda: _bare(bench), lambda: _ours(bench, sites.product(bench), "pushjobs")]
    if before is not None:
        starts.append(
            lambda: _ours(bench, sites.product(bench, before, "pushjobs-before"), "pushjobs before")
        )
    candidates = list(chain.from_iterable(together(starts)))
    table = compared(bench, "polling", TITLE, candidates)
    table.notes.append(
        "202: the job runs; 200: it is over; 304: it runs and the client has its present state "
        "(If-None-Match); followed: a stream of the same process follows the job as well, so that "
        "the hub knows it. Each request carries the job's token, which is verified."
    )
    return [table]


def _bare(bench: Bench) -> list[Candidate]:
    site = sites.plain(bench)
    rows = site.seed(_JOBS)
    process, port = site.web()
    return [
        Candidate(
            f"bare view, {kind}",
            [process],
            [port],
            [request("GET", f"/{path}/{row}") for row in rows],
            200,
            peer=True,
        )
        for kind, path in (("def", "reports"), ("async def", "reports-async"))
    ]


def _ours(bench: Bench, site: Site, name: str) -> list[Candidate]:
    jobs = site.seed(_JOBS)
    process, port = site.web()
    alone, over = jobs["running"][: _JOBS // 2], jobs["over"]
    followed = jobs["running"][_JOBS // 2 :]
    _follow(bench, name, port, followed)
    return [
        Candidate(f"{name}, 202", [process], [port], _gets(alone), 202, ours=True),
        Candidate(f"{name}, 200", [process], [port], _gets(over), 200, ours=True),
        Candidate(f"{name}, 304", [process], [port], _known(port, alone), 304, ours=True),
        Candidate(
            f"{name}, 304, followed", [process], [port], _known(port, followed), 304, ours=True
        ),
    ]


def _follow(bench: Bench, name: str, port: int, jobs: list[tuple[str, str]]) -> None:
    """Open a stream of each job; they end with the run."""
    path = bench.new_folder("follows") / "follows.json"
    follows = [
        {"path": f"/jobs/{job}/events?token={token}", "headers": {}, "say": []}
        for job, token in jobs
    ]
    path.write_text(json.dumps(follows))
    generator = Generator(bench, name)
    bench.callback(generator.stop)
    generator.crowd(port, "sse", "job.snapshot", path)
    generator.grow(len(jobs))


def _gets(jobs: list[tuple[str, str]], *headers: str) -> list[bytes]:
    return [
        request("GET", f"/jobs/{job}", headers=[f"Authorization: Bearer {token}", *headers])
        for job, token in jobs
    ]


def _known(port: int, jobs: list[tuple[str, str]]) -> list[bytes]:
    """Requests of clients who have each job's present state."""
    made = []
    connection = HTTPConnection(LOOPBACK, port, timeout=10)
    for job, token in jobs:
        connection.request("GET", f"/jobs/{job}", headers={"Authorization": f"Bearer {token}"})
        with connection.getresponse() as response:
            response.read()
            made += _gets([(job, token)], f"If-None-Match: {response.headers['ETag']}")
    connection.close()
    return made
