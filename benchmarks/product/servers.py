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
from benchmarks.product.followed import DATABASE, Followed

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
#: The names of the product in production: on a server that hands out writers, and on a bare one.
WITH_WRITER = "pushjobs, uvicorn with its writer"
WITHOUT_WRITER = "pushjobs, uvicorn"


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
        *,
        closely: bool = True,
    ) -> None:
        self.name = name
        self.closely = closely
        self._command = command
        self._code = code
        self._redis = redis
        #: The name of its database in PostgreSQL; without it, it has a file of SQLite.
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
        followed = Followed(bench, self._code, channels, environment, self._postgres is not None)
        shutil.copy(followed.path, folder / "jobs.json")
        if self._postgres is None:
            followed.copy_tables(folder / DATABASE)
        else:
            environment["DATABASE_URL"] = bench.postgres(self._postgres, like=followed.name)
        process = bench.start(
            f"product-{port}",
            [PYTHON, *self._command, "--port", str(port)],
            environment=environment,
            cwd=self._code,
        )
        process.wait_for_port(port)
        if self._postgres is None:
            followed.copy_jobs(folder / DATABASE)
        return Served(
            process=process,
            port=port,
            publisher=self.publisher(folder),
            follow=lambda transport, channel: follow(transport, *followed.jobs[channel]),
            ready={SSE: "job.snapshot", WEBSOCKET: "job.snapshot"},
            channels=channels,
            environment=bench.environment(self._code, environment),
            cwd=self._code,
        )

    def publisher(self, folder: Path) -> list[str]:
        """The command of the program that publishes."""
        return [PYTHON, "-m", "benchmarks.product.emitter", str(folder / "jobs.json")]

    def environment(self, bench: Bench, folder: Path) -> dict[str, str]:
        """The environment of all its processes."""
        return {
            "DJANGO_SETTINGS_MODULE": "benchmarks.product.settings",
            "SECRET_KEY": _SECRET,
            "VAR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / DATABASE}",
            "REDIS_URL": bench.redis(self._redis),
            "LAYER_PREFIX": f"asgi{self._redis}",
            "PUSHJOBS": json.dumps(_SETTINGS),
            "LOG_LEVEL": "WARNING",
        }


class HubAlone(Product):
    """The product with stand-ins for log and layer: what is left is its hub.

    The ``program`` publishes: ``bellringer`` has events ready, and nothing but the hub is left;
    with ``emitter`` they come as from a worker, through attempts and the publisher.
    """

    transports = (SSE,)

    def __init__(self, name: str, program: str = "bellringer") -> None:
        super().__init__(name, [*UVICORN, *WRITER])
        self._program = program

    def environment(self, bench: Bench, folder: Path) -> dict[str, str]:
        found = super().environment(bench, folder)
        log = {"LOG": "benchmarks.product.direct.NoLog"}
        found["PUSHJOBS"] = json.dumps(json.loads(found["PUSHJOBS"]) | log)
        return found | {"DIRECT_LAYER": str(folder / "layer.sock")}

    def publisher(self, folder: Path) -> list[str]:
        return [PYTHON, "-m", f"benchmarks.product.{self._program}", str(folder / "jobs.json")]


def follow(transport: str, job: str, token: str) -> Follow:
    """What a client of the product sends to follow a job."""
    if transport == SSE:
        return {"path": f"/jobs/{job}/events?token={token}", "headers": {}, "say": []}
    frame = {"type": "subscribe", "channel": f"job:{job}", "token": token}
    return {"path": "/jobs/socket", "headers": {}, "say": [json.dumps(frame)]}


def products(before: Path | None = None, first: int = 0) -> list[Peer]:
    """The product behind each server, and that of another checkout where there is one.

    They have the databases of Redis from ``first`` on.
    """
    found: list[Peer] = [
        Product(WITH_WRITER, [*UVICORN, *WRITER], redis=first),
        Product(WITHOUT_WRITER, [*UVICORN, *PLAIN], redis=first + 1),
        Product("pushjobs, Daphne", DAPHNE, redis=first + 2, closely=False),
    ]
    if before is not None:
        writer = [*UVICORN, *WRITER]
        found += [
            Product("pushjobs before, uvicorn with its writer", writer, before, first + 3),
            Product("pushjobs before, uvicorn", [*UVICORN, *PLAIN], before, first + 4),
        ]
        found = [peer for peer in found if "before" not in peer.name or peer.missing() is None]
    return found
