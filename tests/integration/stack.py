"""The distributed set-up as processes: two web, two workers, on Redis and PostgreSQL.

The processes run as ``docker-compose.yml`` says, by the launcher of ``make stack``; the stores are
the tests' own, which may lose what they hold.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from project.stack import stack as launcher
from project.stack.ports import free_port
from project.stack.process import Process
from project.stack.programs.postgres import Postgres
from project.stack.topology import Ports
from tests.processes import ROOT, Server
from tests.redis_server import RedisServer, running_redis
from tests.waiting import until

SETTINGS = {"LEASE": 2, "REENQUEUE_AFTER": 2, "SWEEP_INTERVAL": 0.5, "SHUTDOWN_GRACE": 1}
WEB, WORKERS = ("web-1", "web-2"), ("worker-1", "worker-2")


@dataclass
class Stack:
    """Processes that know each other only through Redis and PostgreSQL."""

    folder: Path
    redis: RedisServer
    environment: dict[str, str]
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    web: list[subprocess.Popen[bytes]] = field(default_factory=list)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._launcher = launcher.Stack(
            self.folder,
            Ports(*self.ports),
            settings={"WORKER_PROCESSES": "1", "WORKER_THREADS": "4"},
            only=["migrate", *WEB, *WORKERS],
        )

    @property
    def log(self) -> str:
        """What all processes have printed."""
        return "".join(path.read_text() for path in sorted((self.folder / "logs").iterdir()))

    @property
    def servers(self) -> list[Server]:
        """Where each web process is."""
        return [Server(self.folder, kind="uvicorn", port=port) for port in self.ports]

    def start(self) -> None:
        self._launcher.environment = self.environment
        self._launcher.start()
        self.web = [self._popen(name) for name in WEB]
        self.workers = [self._popen(name) for name in WORKERS]

    def run(self, *command: str) -> None:
        """A management command."""
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment, check=True
        )

    def start_web(self, number: int) -> None:
        """Start a web process that has ended."""
        self.web.append(self._start(WEB[number]))

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker that has ended."""
        name = next(name for name in WORKERS if not self._launcher.processes[name].running)
        self.workers.append(self._start(name))
        return self.workers[-1]

    def stop(self) -> None:
        self._launcher.kill()

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        self._launcher.environment = self.environment
        self._launcher.start_service(name)
        return self._popen(name)

    def _popen(self, name: str) -> subprocess.Popen[bytes]:
        popen = self._launcher.processes[name].popen
        assert popen is not None
        return popen


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """A stack that runs while inside."""
    with ExitStack() as resources:
        redis = resources.enter_context(running_redis(folder))
        url = resources.enter_context(postgres(folder / "postgres"))
        environment = os.environ | {
            "VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": url,
            "BROKER_URL": redis.url.removesuffix("/0") + "/1",
            "REDIS_URL": redis.url,
            "PUSHJOBS": json.dumps(SETTINGS),
        }
        stack = Stack(folder, redis, environment)
        resources.callback(stack.stop)
        stack.start()
        yield stack


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL server that runs while inside."""
    port = free_port()
    server = Postgres(folder, port, password="", name="postgres")
    server.prepare({})
    # Only processes are killed here, not the machine: nothing need reach the disk.
    options = {"listen_addresses": "127.0.0.1", "port": port, "fsync": "off"}
    process = Process("postgres", folder.with_name("postgres.log"))
    process.start(
        server.command(["postgres", *(f"--{name}={value}" for name, value in options.items())]),
        cwd=folder,
        environment=dict(os.environ),
        user=server.user,
    )
    try:
        until(server.ready)
        yield server.url
    finally:
        process.signal(signal.SIGINT)
        process.wait(60)
