"""The job table's size: what the statements of each hot path take, and their plans."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from benchmarks import sites
from benchmarks.bench import Bench
from benchmarks.rounds import medians
from benchmarks.sites import Site
from benchmarks.table import Column, Row, Table
from benchmarks.together import together

TITLE = "Scaling: rows in the job table"

_ROWS = (100_000, 1_000_000)
_CALLS = 20  # of each path, in each round
_SCAN = re.compile(r"Seq Scan on pushjobs_\w+")
_INDEX = re.compile(r"(?:Index (?:Only )?Scan (?:Backward )?using|Bitmap Index Scan on) (\w+)")


def run(bench: Bench) -> list[Table]:
    """Make two databases, and go each path in each of them, in turn."""
    sizes = (2_000, 20_000) if bench.quick else _ROWS
    tables = together(partial(_table, bench, size) for size in sizes)
    calls = 5 if bench.quick else _CALLS
    rounds: list[list[dict[str, Any]]] = [[] for _ in tables]
    for _ in range(bench.rounds):
        for site, found in zip(tables, rounds, strict=True):
            found.append(json.loads(site.run(["-m", "benchmarks.product.hotpaths", str(calls)])))
    rows: list[Row] = []
    failures: list[str] = []
    for path in rounds[0][0]:
        few, many = (medians([{"ms": item[path]["ms"]} for item in found]) for found in rounds)
        plans = rounds[1][-1][path]["plans"]
        rows.append(
            {
                "path": path,
                "statements": rounds[1][-1][path]["statements"],
                "few": few["ms"],
                "many": many["ms"],
                "ratio": many["ms"] / few["ms"] if few["ms"] else None,
                "indexes": _indexes(plans.values()),
                "plans": plans,
            }
        )
        failures += [
            f"{path}: {scan.group()}" for plan in plans.values() if (scan := _SCAN.search(plan))
        ]
    few_rows, many_rows = (f"{size:,} rows, ms" for size in sizes)
    table = Table(
        "scaling-rows",
        TITLE,
        [
            Column("path", "path"),
            Column("statements", "statements", "d"),
            Column("few", few_rows, ".2f"),
            Column("many", many_rows, ".2f"),
            Column("ratio", "ratio", ".2f"),
            Column("indexes", "indexes read"),
        ],
        rows=rows,
        notes=[
            (
                "The time that one call spends in PostgreSQL. The results' file holds the plan of "
                "each statement with the larger table; one that reads a whole table fails the run."
            ),
            "As many jobs wait and run in both tables: some three hundred.",
        ],
        failures=failures,
    )
    return [table]


def _indexes(plans: Iterable[str]) -> str:
    """The indexes that the plans read, in their order."""
    names = dict.fromkeys(name for plan in plans for name in _INDEX.findall(plan))
    return ", ".join(names) or "none"


def _table(bench: Bench, rows: int) -> Site:
    site = sites.product(bench, name=f"pushjobs-{rows}")
    site.run(["-m", "benchmarks.product.tablefill", str(rows)])
    return site
