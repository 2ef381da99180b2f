"""Jobs for clients to follow, made once in a run and copied for each server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.bench import PYTHON, Bench

DATABASE = "jobs.sqlite3"


class Followed:
    """So many running jobs of one checkout of the product, with their tables.

    ``environment`` is that of the product's processes. With ``postgres`` they are in the PostgreSQL
    database ``name``, otherwise in a file of SQLite. ``path`` is a file of ``[[id, token], …]``.
    """

    def __init__(
        self, bench: Bench, code: Path, count: int, environment: Mapping[str, str], postgres: bool
    ) -> None:
        self.name = f"followed-{code.name}-{count}" + ("" if postgres else "-sqlite")
        self.path = bench.folder / self.name / "jobs.json"
        self._database = self.path.with_name(DATABASE)

        def make() -> None:
            self.path.parent.mkdir()
            url = bench.postgres(self.name) if postgres else f"sqlite:///{self._database}"
            making = bench.start(
                f"{self.name}-running",
                [PYTHON, "-m", "benchmarks.product.running", str(count), str(self.path)],
                environment={**environment, "DATABASE_URL": url},
                cwd=code,
            )
            making.wait(120)

        bench.made(self.name, make)
        self.jobs: list[list[str]] = json.loads(self.path.read_text())

    def copy_tables(self, to: Path) -> None:
        """Make a file of SQLite with the tables, and without the jobs."""
        with (
            closing(sqlite3.connect(self._database)) as made,
            closing(sqlite3.connect(to)) as own,
        ):
            made.backup(own)
            own.execute("DELETE FROM pushjobs_job")
            own.commit()

    def copy_jobs(self, to: Path) -> None:
        """Add the jobs. Only to a server that runs: an embedded worker takes up what it finds."""
        with closing(sqlite3.connect(to, timeout=20)) as own:
            own.execute("ATTACH ? AS made", [str(self._database)])
            own.execute("INSERT INTO pushjobs_job SELECT * FROM made.pushjobs_job")
            own.commit()
