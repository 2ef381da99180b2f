"""The ceiling: what a bare asyncio protocol on uvloop does, with nothing around it."""

from __future__ import annotations

from benchmarks.bench import PYTHON, Bench
from benchmarks.generator.crowd import Follow
from benchmarks.peers.contract import SSE, WEBSOCKET, Served, follow
from benchmarks.process import free_port


class Ceiling:
    """No HTTP beyond what is needed, no flow control, no replay: the most that Python can do."""

    name = "bare asyncio protocol on uvloop (the ceiling)"
    transports = (SSE, WEBSOCKET)
    ours = False
    must_hold = True
    closely = True

    def missing(self) -> str | None:
        return None

    def serve(self, bench: Bench, channels: int) -> Served:
        port = free_port()
        process = bench.start(
            "ceiling", [PYTHON, "-m", "benchmarks.peers.ceiling.server", str(port)]
        )
        process.wait_for_port(port)
        return Served(
            process=process,
            port=port,
            publisher=[
                *(PYTHON, "-m", "benchmarks.peers.httppublisher", str(port), "/publish"),
                *(str(channels), "all"),
            ],
            follow=_follow,
            ready={SSE: "\r\n\r\n", WEBSOCKET: ""},
            channels=channels,
        )


def _follow(transport: str, channel: int) -> Follow:
    return follow(f"/{transport}/{channel}")
