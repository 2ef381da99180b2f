"""Server-Sent Events in Node, with ``node:http`` and no framework."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.bench import PYTHON, Bench
from benchmarks.generator.crowd import Follow
from benchmarks.peers.contract import SSE, Served, follow
from benchmarks.process import free_port

_PROGRAM = Path(__file__).with_name("server.mjs")


class Node:
    """``response.write`` for each client."""

    name = "Node, node:http"
    transports = (SSE,)
    ours = False
    must_hold = True
    closely = False

    def missing(self) -> str | None:
        return None if shutil.which("node") else "node is not installed"

    def serve(self, bench: Bench, channels: int) -> Served:
        port = free_port()
        process = bench.start("node", ["node", str(_PROGRAM), str(port)])
        process.wait_for_port(port)
        return Served(
            process=process,
            port=port,
            publisher=[
                *(PYTHON, "-m", "benchmarks.peers.httppublisher", str(port), "/publish"),
                *(str(channels), "all"),
            ],
            follow=_follow,
            ready={SSE: ":\n\n"},
            channels=channels,
        )


def _follow(transport: str, channel: int) -> Follow:
    return follow(f"/{channel}")
