"""The usual way with Channels: a consumer and a ``group_add`` for each client."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bench import PYTHON, ROOT, Bench
from benchmarks.generator.crowd import Follow
from benchmarks.peers.contract import SSE, WEBSOCKET, Served, follow
from benchmarks.process import free_port


class Consumer:
    """On the core Redis layer, as the tutorial of Channels has it, or on the pub/sub one.

    Behind uvicorn, which is faster than the Daphne of the tutorial.
    """

    transports: Sequence[str] = (SSE, WEBSOCKET)
    ours = False
    must_hold = False
    closely = False

    def __init__(self, name: str, backend: str, database: int) -> None:
        self.name = name
        self._backend = backend
        self._database = database

    def missing(self) -> str | None:
        return None

    def serve(self, bench: Bench, channels: int) -> Served:
        port = free_port()
        environment = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.peers.consumer.settings",
            "REDIS_URL": bench.redis(self._database),
            "LAYER": self._backend,
        }
        process = bench.start(
            f"consumer-{port}",
            [
                *(PYTHON, "-m", "uvicorn", "benchmarks.peers.consumer.asgi:application"),
                *("--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop"),
                *("--http", "httptools", "--ws", "websockets-sansio", "--lifespan", "off"),
                *("--ws-per-message-deflate", "false", "--backlog", "4096", "--no-access-log"),
                *("--log-level", "warning", "--timeout-graceful-shutdown", "2"),
            ],
            environment=environment,
            abrupt=True,  # To take leave of its clients takes it seconds.
        )
        process.wait_for_port(port)
        return Served(
            process=process,
            port=port,
            publisher=[PYTHON, "-m", "benchmarks.peers.consumer.publisher", str(channels)],
            follow=_follow,
            ready={SSE: ":\n\n", WEBSOCKET: ""},
            channels=channels,
            environment=bench.environment(ROOT, environment),
        )


def _follow(transport: str, channel: int) -> Follow:
    return follow(f"/{transport}/{channel}")
