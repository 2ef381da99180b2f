"""Really running servers, as processes that a test may kill."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from project.stack.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
#: How long a server may take to answer for the first time, on a machine under load.
START_TIMEOUT = 60.0
#: For clients of servers without TLS, spared the loading of certificates: that takes longer than
#: many a request.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
#: How uvicorn runs in production: with the writers of this package.
WRITERS = (
    "--loop=uvloop",
    "--http=pushjobs.httpprotocol:HttpProtocol",
    "--ws=pushjobs.socketprotocol:SocketProtocol",
)
#: What ``serve`` is told for each server. Two have no writers, so that each ``send`` is driven.
WAYS: dict[str, dict[str, Any]] = {
    "daphne": {"kind": "daphne"},
    "writers": {"kind": "uvicorn", "options": WRITERS},
    "uvicorn": {"kind": "uvicorn"},
}


#: The name of a server's database in its folder.
DATABASE = "jobs.sqlite3"


def _environment(folder: Path) -> dict[str, str]:
    """The variables of a process whose state is in a folder."""
    return os.environ | {
        "VAR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / DATABASE}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }


def _migrate(environment: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


@cache
def _migrated() -> Path:
    """An empty database, to be copied: to make one takes each server a second or two."""
    folder = Path(tempfile.mkdtemp(prefix="pushjobs-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _migrate(_environment(folder))
    return folder / DATABASE


@dataclass
class Server:
    """A server process, its state in a folder of its own; it can be killed and started again."""

    folder: Path
    kind: str = "daphne"
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    #: Further words of the command line.
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/jobs/socket"

    @property
    def log(self) -> str:
        """What the process has printed."""
        return (self.folder / "server.log").read_text()

    def start(self) -> None:
        environment = _environment(self.folder) | {
            "PYTHONUNBUFFERED": "1",
            "PUSHJOBS": json.dumps(self._embedded() | self.settings),
            **self.environment,
        }
        if "DATABASE_URL" in self.environment:
            _migrate(environment)
        elif not (database := self.folder / DATABASE).exists():
            shutil.copy(_migrated(), database)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command(),
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready()

    def kill(self) -> None:
        """``kill -9``."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, timeout: float = 30) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, verify=NO_TLS, **options)

    def _embedded(self) -> dict[str, Any]:
        return {"EMBEDDED_THREADS": 8} if self.kind == "uvicorn" else {}

    def _command(self) -> list[str]:
        if self.kind == "daphne":
            return [sys.executable, "manage.py", "serve", "--port", str(self.port), *self.options]
        return [
            sys.executable,
            "-m",
            "uvicorn",
            "project.asgi:application",
            "--port",
            str(self.port),
            "--timeout-graceful-shutdown",
            "2",
            "--log-level",
            "warning",
            "--backlog",
            "4096",
            *self.options,
        ]

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_TIMEOUT
        with self.client() as client:
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended at once:\n{self.log}")
                try:
                    client.get("/health/live", timeout=5)
                except httpx.TransportError:
                    time.sleep(0.05)
                else:
                    return
        raise RuntimeError(f"the server does not answer:\n{self.log}")


@contextmanager
def serve(folder: Path, **options: Any) -> Iterator[Server]:
    """A server that runs while inside."""
    server = Server(folder, **options)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
