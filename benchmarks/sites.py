"""The web and worker processes of each candidate, on stores of its own.

Every candidate has the same server (uvicorn on uvloop with httptools, as docker-compose.yml starts
it), the same connection pool, a database of its own in the same PostgreSQL, and the same Redis.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import cores
from benchmarks.bench import PYTHON, ROOT, Bench
from benchmarks.process import Failed, Process, free_port
from project.stack.ports import LOOPBACK

_WEB_POOL, _WORKER_POOL = 20, 16  # as docker-compose.yml has them
_SECRET = "only-for-benchmarks-and-long-enough-to-be-no-weak-key-0123456789"


#: Those that run beside others: no worker may see what another one's queue has.
_NAMES = ("pushjobs", "pushjobs-before", "plain", "celery")


@dataclass
class Site:
    """One candidate's processes; all end with the scope in which they were started."""

    bench: Bench
    name: str
    settings: str
    application: str
    worker_command: Sequence[str]
    migrate: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    code: Path = ROOT  # whose `pushjobs` and `project` it runs
    _started: int = 0

    def __post_init__(self) -> None:
        place = _NAMES.index(self.name) if self.name in _NAMES else len(_NAMES)
        self.environment = {
            "DJANGO_SETTINGS_MODULE": self.settings,
            "DATABASE_URL": "",
            "REDIS_URL": self.bench.redis(2 * place),
            "LAYER_PREFIX": self.name,
            "BROKER_URL": self.bench.redis(2 * place + 1),
            "SECRET_KEY": _SECRET,
            "VAR": str(self.bench.new_folder(self.name)),
            **self.environment,
        }
        template = f"{self.code.name}-{self.settings}"

        def make() -> None:
            self.environment["DATABASE_URL"] = self.bench.postgres(template)
            self.run(["-m", "django", *self.migrate])

        self.bench.made(template, make)
        self.environment["DATABASE_URL"] = self.bench.postgres(self.name, like=template)

    def web(self, *options: str, on: Collection[int] = cores.SERVER) -> tuple[Process, int]:
        """A web process that answers, and its port."""
        port = free_port()
        self._started += 1
        command = [
            *(PYTHON, "-m", "uvicorn", self.application, "--host", LOOPBACK),
            *("--port", str(port), "--loop", "uvloop", "--http", "httptools"),
            *("--backlog", "4096", "--timeout-keep-alive", "75", "--no-access-log"),
            *("--log-level", "warning", *options),
        ]
        process = self._start(f"{self.name}-web-{self._started}", command, _WEB_POOL, on)
        process.wait_for_port(port)
        return process, port

    def worker(self, on: Collection[int] = cores.SERVER) -> Process:
        """A worker: one process with eight threads."""
        self._started += 1
        command = [PYTHON, *self.worker_command]
        name = f"{self.name}-worker-{self._started}"
        return self._start(name, command, _WORKER_POOL, on, abrupt=True)

    def run(self, arguments: Sequence[str]) -> str:
        """What a program of this site prints; raises ``Failed`` if it fails."""
        done = subprocess.run(
            [PYTHON, *arguments],
            cwd=self.code,
            env={**os.environ, **self.bench.environment(self.code, self.environment)},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Failed(f"{' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout

    def seed(self, *arguments: object) -> Any:
        """What the site's ``seed`` program prints."""
        module = self.settings.rpartition(".")[0] + ".seed"
        return json.loads(self.run(["-m", module, *map(str, arguments)]))

    def _start(
        self,
        name: str,
        command: Sequence[str],
        pool: int,
        on: Collection[int],
        *,
        abrupt: bool = False,
    ) -> Process:
        return self.bench.start(
            name,
            command,
            environment=self.environment | {"DATABASE_POOL": str(pool)},
            cwd=self.code,
            on=on,
            abrupt=abrupt,
        )


_DRAMATIQ = ("-m", "django", "rundramatiq", "--processes", "1", "--threads", "8")


def product(bench: Bench, code: Path = ROOT, name: str = "pushjobs") -> Site:
    """The product, of this checkout or another: the reference project's settings and routes."""
    return Site(
        bench,
        name=name,
        settings="benchmarks.product.settings",
        application="project.asgi:application",
        worker_command=_DRAMATIQ,
        migrate=["migrate", "-v0"],
        code=code,
    )


def plain(bench: Bench) -> Site:
    """A project as ``startproject`` makes it, with Dramatiq as django-dramatiq's documents say."""
    return Site(
        bench,
        name="plain",
        settings="benchmarks.peers.plain.settings",
        application="benchmarks.peers.plain.asgi:application",
        worker_command=_DRAMATIQ,
        migrate=["migrate", "-v0", "--run-syncdb"],
    )


def celery_missing() -> str | None:
    """Why the project with Celery cannot run here, if it cannot."""
    absent = [name for name in ("celery", "celery_progress") if find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def celery(bench: Bench) -> Site:
    """A project as ``startproject`` makes it, with Celery on Redis and celery-progress."""
    return Site(
        bench,
        name="celery",
        settings="benchmarks.peers.celeryprogress.settings",
        application="benchmarks.peers.celeryprogress.asgi:application",
        worker_command=[
            *("-m", "celery", "-A", "benchmarks.peers.celeryprogress", "worker"),
            *("--concurrency", "8", "--loglevel", "WARNING"),
        ],
        migrate=["migrate", "-v0"],
    )
