"""Accepting a job: POST, beside a bare view that inserts one row in the same PostgreSQL."""

from __future__ import annotations

import json
from itertools import chain

from benchmarks import sites
from benchmarks.bench import Bench
from benchmarks.closedloop import request
from benchmarks.requestrounds import Candidate, compared
from benchmarks.sites import Site
from benchmarks.table import Table
from benchmarks.together import together

TITLE = "Accept: POST a job"

_SUBMISSION = {"name": "noop", "args": {}}
_CELERY = "view and Celery task"


def run(bench: Bench) -> list[Table]:
    """Nothing takes the jobs out of the queue meanwhile: no worker shares the stores."""
    absent, before = sites.celery_missing(), bench.before
    starts = [lambda: _plain(bench), lambda: ours(sites.product(bench), "pushjobs")]
    if absent is None:
        starts.append(lambda: _of(sites.celery(bench), {_CELERY: "/tasks"}))
    if before is not None:
        starts.append(
            lambda: ours(sites.product(bench, before, "pushjobs-before"), "pushjobs before")
        )
    candidates = list(chain.from_iterable(together(starts)))
    table = compared(bench, "accept", TITLE, candidates)
    if absent is not None:
        table.rows.append({"candidate": _CELERY, "missing": absent})
    table.notes.append(
        "The bare view keeps a row and nothing else. With an actor or a task it also sends a "
        "message; Celery keeps no row. Pushjobs validates and counts the submission, keeps the "
        "row, sends the message, opens a channel and signs a token for it."
    )
    return [table]


def ours(site: Site, name: str) -> list[Candidate]:
    body = json.dumps({"name": "bench.noop", "args": {}}).encode()
    process, port = site.web()
    return [Candidate(name, [process], [port], [request("POST", "/jobs", body)], 202, ours=True)]


def _plain(bench: Bench) -> list[Candidate]:
    views = {
        "bare view, def": "/insert",
        "bare view, async def": "/insert-async",
        "view and Dramatiq actor": "/reports",
    }
    return _of(sites.plain(bench), views)


def _of(site: Site, views: dict[str, str]) -> list[Candidate]:
    """A candidate for each view, all of one web process: they take turns."""
    process, port = site.web()
    body = json.dumps(_SUBMISSION).encode()
    return [
        Candidate(name, [process], [port], [request("POST", path, body)], 202, peer="bare" in name)
        for name, path in views.items()
    ]
