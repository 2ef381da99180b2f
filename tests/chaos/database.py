"""The PostgreSQL server of a cluster: what it holds, and a restart of it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import psycopg

from tests.chaos.evidence import Row
from tests.chaos.proxy import Address
from tests.waiting import until

# ``finished_at`` is a worker's word; ``expires_at`` is computed by the database's clock.
_ROWS = """
    SELECT id, status, attempt, idempotency_key,
        coalesce(extract(epoch FROM expires_at) - retention, 0), error
    FROM pushjobs_job WHERE id = ANY(%s) OR created_at >= to_timestamp(%s)
"""


class Postgres:
    """A server that runs on this machine, seen past all proxies."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._restarted: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> Address:
        """Where it listens: a Unix socket, or a host and a port."""
        parts = urlsplit(self._url)
        directory = parse_qs(parts.query).get("host")
        port = parts.port or 5432
        if directory is not None:
            return f"{directory[0]}/.s.PGSQL.{port}"
        return (parts.hostname or "127.0.0.1", port)

    def url_by(self, port: int) -> str:
        """The server's URL for those who reach it through a port of this machine."""
        parts = urlsplit(self._url)
        user, _, _ = parts.netloc.rpartition("@")
        return urlunsplit((parts.scheme, f"{user}@127.0.0.1:{port}", parts.path, "", ""))

    def rows(self, jobs: Sequence[str], since: float = math.inf) -> dict[str, Row]:
        """These jobs, and all others that were created since a moment (seconds, wall clock)."""
        with psycopg.connect(self._url) as connection:
            found = connection.execute(_ROWS, [list(jobs), since]).fetchall()
        return {
            str(job): Row(status, attempt, key, float(ended), error)
            for job, status, attempt, key, ended, error in found
        }

    def restart(self) -> None:
        """An immediate shutdown, as in a crash: all connections break; then a start."""
        pid_file = next(self._folder.rglob("postmaster.pid"))
        postmaster = int(pid_file.read_text().split()[0])
        process = Path(f"/proc/{postmaster}")
        command = (process / "cmdline").read_bytes().split(b"\0")[:-1]
        owner, data = process.stat(), pid_file.parent
        os.kill(postmaster, signal.SIGQUIT)
        if self._restarted is not None:
            self._restarted.wait(20)
        until(lambda: not _alive(postmaster))
        with (self._folder / "postgres.log").open("ab") as log:
            self._restarted = subprocess.Popen(
                command,
                cwd=data,
                user=owner.st_uid,
                group=owner.st_gid,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._answers)

    def close(self) -> None:
        """End a server that was started here; who started the first one ends that."""
        if self._restarted is not None and self._restarted.poll() is None:
            self._restarted.send_signal(signal.SIGINT)
            self._restarted.wait(20)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self._url):
                return True
        except psycopg.OperationalError:
            time.sleep(0.1)
            return False


def _alive(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()
