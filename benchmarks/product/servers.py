"""The product as a candidate of the fan-out workloads: whole, and its hub alone.

Whole means as in production: events go through the publisher of another process, the log and the
layer in Redis, and the hub with its gap detection to clients whose tokens were checked.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import PYTHON, ROOT, Bench
from benchmarks.generator.crowd import Follow
from benchmarks.peers.contract import SSE, WEBSOCKET, Peer, Served
from benchmarks.process import free_port

_DATABASE = "jobs.sqlite3"
_SECRET = "only-for-benchmarks-and-long-enough-to-be-no-weak-key-0123456789"
#: An event for each piece of output: pieces that come together would else become one event.
_SETTINGS = {"OUTPUT_INTERVAL": 1e-6, "MAX_OUTPUT": 10**12}

UVICORN = (
    *("-m", "uvicorn", "project.asgi:application", "--host", "127.0.0.1", "--loop", "uvloop"),
    *("--backlog", "4096", "--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "2"),
    *("--no-access-log", "--log-level", "warning"),
)
WRITER = (
    *("--http", "pushjobs.httpprotocol:HttpProtocol"),
    *("--ws", "pushjobs.socketprotocol:SocketProtocol"),
)
PLAIN = (
    *("--http", "httptools", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
)
DAPHNE = ("manage.py", "serve", "--no-migrate")


class Product:
    """The whole product behind one server; ``code`` is the checkout that it is taken from."""

    transports: Sequence[str] = (SSE, WEBSOCKET)
    ours = True
    must_hold = True

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        code: Path = ROOT,
        redis: int = 0,
        postgres: str | None = None,
    ) -> None:
        self.name = name
        self._command = command
        self._code = code
        self._redis = redis
        #: The URL of its database; without it, it has a file of SQLite.
        self._postgres = postgres

    def missing(self) -> str | None:
        for word in self._command:
            module, mark, _ = word.partition(":")
            path = self._code / (module.replace(".", "/") + ".py")
            if mark and module.startswith("pushjobs.") and not path.exists():
                return f"this checkout has no {module}"
        return None

    def serve(self, bench: Bench, channels: int) -> Served:
        port, folder = free_port(), bench.new_folder("product")
        environment = self.environment(bench, folder)
        self._migrate(bench, folder, environment)
        process = bench.start(
            f"product-{port}",
            [PYTHON, *self._command, "--port", str(port)],
            environment=environment,
            cwd=self._code,
        )
        process.wait_for_port(port)
        # Not before: an embedded worker takes up what runs when it starts.
        jobs = self._jobs(bench, folder, environment, channels)
        return Served(
            process=process,
            port=port,
            publisher=self.publisher(port, folder, channels),
            follow=lambda transport, channel: follow(transport, *jobs[channel]),
            ready={SSE: "job.snapshot", WEBSOCKET: "job.snapshot"},
            channels=channels,
            environment=bench.environment(self._code, environment),
            cwd=self._code,
        )

    def publisher(self, port: int, folder: Path, channels: int) -> list[str]:
        """The command of the program that publishes."""
        return [PYTHON, "-m", "benchmarks.product.emitter", str(folder / "jobs.json")]

    def environment(self, bench: Bench, folder: Path) -> dict[str, str]:
        """The environment of all its processes."""
        return {
            "DJANGO_SETTINGS_MODULE": "benchmarks.product.settings",
            "SECRET_KEY": _SECRET,
            "VAR": str(folder),
            "DATABASE_URL": self._postgres or f"sqlite:///{folder / _DATABASE}",
            "REDIS_URL": bench.redis(self._redis),
            "PUSHJOBS": json.dumps(_SETTINGS),
            "LOG_LEVEL": "WARNING",
        }

    def _migrate(self, bench: Bench, folder: Path, environment: dict[str, str]) -> None:
        """Make the tables; for a file of SQLite once in a run, and then by a copy."""
        made = bench.folder / f"{self._code.name}-{_DATABASE}"
        if self._postgres is None and made.exists():
            shutil.copy(made, folder / _DATABASE)
            return
        command = [PYTHON, "manage.py", "migrate", "--verbosity=0"]
        bench.start("migrate", command, environment=environment, cwd=self._code).wait(120)
        if self._postgres is None:
            shutil.copy(folder / _DATABASE, made)

    def _jobs(
        self, bench: Bench, folder: Path, environment: dict[str, str], channels: int
    ) -> list[tuple[str, str]]:
        path = folder / "jobs.json"
        command = [PYTHON, "-m", "benchmarks.product.running", str(channels), str(path)]
        making = bench.start("running", command, environment=environment, cwd=self._code)
        making.wait(120)
        return [(job, token) for job, token in json.loads(path.read_text())]


class HubAlone(Product):
    """The hub without log and layer, rung in its own process by a request."""

    transports = (SSE,)

    def __init__(self, name: str, code: Path = ROOT) -> None:
        command = [word.replace("project.asgi", "benchmarks.product.hubalone") for word in UVICORN]
        super().__init__(name, [*command, *WRITER], code)

    def environment(self, bench: Bench, folder: Path) -> dict[str, str]:
        found = super().environment(bench, folder) | {"JOBS": str(folder / "jobs.json")}
        return found | {"REDIS_URL": ""}

    def publisher(self, port: int, folder: Path, channels: int) -> list[str]:
        return [
            *(PYTHON, "-m", "benchmarks.peers.httppublisher", str(port), "/publish"),
            *(str(channels), "all"),
        ]


def follow(transport: str, job: str, token: str) -> Follow:
    """What a client of the product sends to follow a job."""
    if transport == SSE:
        return {"path": f"/jobs/{job}/events?token={token}", "headers": {}, "say": []}
    frame = {"type": "subscribe", "channel": f"job:{job}", "token": token}
    return {"path": "/jobs/socket", "headers": {}, "say": [json.dumps(frame)]}


def products(before: Path | None = None) -> list[Peer]:
    """The product behind each server, and that of another checkout where there is one."""
    found: list[Peer] = [
        Product("pushjobs, uvicorn with its writer", [*UVICORN, *WRITER]),
        Product("pushjobs, uvicorn", [*UVICORN, *PLAIN], redis=1),
        Product("pushjobs, Daphne", DAPHNE, redis=2),
    ]
    if before is not None:
        found += [
            Product("pushjobs before, uvicorn with its writer", [*UVICORN, *WRITER], before, 3),
            Product("pushjobs before, uvicorn", [*UVICORN, *PLAIN], before, 4),
        ]
        found = [peer for peer in found if "before" not in peer.name or peer.missing() is None]
    return found
