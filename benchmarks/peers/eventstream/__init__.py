"""django-eventstream, with Redis, as its documentation says for events from other processes."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from benchmarks.bench import PYTHON, ROOT, Bench
from benchmarks.generator.crowd import Follow
from benchmarks.peers.contract import SSE, Served, follow
from benchmarks.process import free_port


class EventStream:
    """Behind uvicorn, which is faster than the Daphne of its documentation; without storage."""

    name = "django-eventstream, uvicorn"
    transports = (SSE,)
    ours = False
    must_hold = False
    closely = False

    def missing(self) -> str | None:
        return None if find_spec("django_eventstream") else "django-eventstream is not installed"

    def serve(self, bench: Bench, channels: int) -> Served:
        port = free_port()
        environment = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.peers.eventstream.settings",
            "REDIS_PORT": str(urlsplit(bench.redis()).port),
        }
        process = bench.start(
            "eventstream",
            [
                *(PYTHON, "-m", "uvicorn", "benchmarks.peers.eventstream.asgi:application"),
                *("--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop"),
                *("--http", "httptools", "--lifespan", "off", "--backlog", "4096"),
                *("--no-access-log", "--log-level", "warning"),
                *("--timeout-graceful-shutdown", "2"),
            ],
            environment=environment,
            abrupt=True,  # To take leave of its clients takes it seconds.
        )
        process.wait_for_port(port)
        return Served(
            process=process,
            port=port,
            publisher=[PYTHON, "-m", "benchmarks.peers.eventstream.publisher", str(channels)],
            follow=_follow,
            ready={SSE: "stream-open"},
            channels=channels,
            environment=bench.environment(ROOT, environment),
        )


def _follow(transport: str, channel: int) -> Follow:
    return follow(f"/events/channel-{channel}/")
