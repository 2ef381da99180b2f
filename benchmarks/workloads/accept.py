"""Accepting a job: POST, beside a bare view that inserts one row in the same PostgreSQL."""

from __future__ import annotations

import json

from benchmarks import sites
from benchmarks.bench import Bench
from benchmarks.closedloop import request
from benchmarks.requestrounds import Candidate, compared
from benchmarks.sites import Site
from benchmarks.table import Table

TITLE = "Accept: POST a job"

_SUBMISSION = {"name": "noop", "args": {}}
_CELERY = "view and Celery task"


def run(bench: Bench) -> list[Table]:
    """Nothing takes the jobs out of the queue meanwhile: no worker shares the stores."""
    bare = sites.plain(bench)
    candidates = [
        *_of(bare, "bare view, def", "/insert", peer=True),
        *_of(bare, "bare view, async def", "/insert-async", peer=True),
        *_of(bare, "view and Dramatiq actor", "/reports"),
        *ours(sites.product(bench), "pushjobs"),
    ]
    absent = sites.celery_missing()
    if absent is None:
        candidates += _of(sites.celery(bench), _CELERY, "/tasks")
    if bench.before is not None:
        before = sites.product(bench, bench.before, "pushjobs-before")
        candidates += ours(before, "pushjobs before")
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


def _of(site: Site, name: str, path: str, *, peer: bool = False) -> list[Candidate]:
    process, port = site.web()
    body = json.dumps(_SUBMISSION).encode()
    return [Candidate(name, [process], [port], [request("POST", path, body)], 202, peer=peer)]
