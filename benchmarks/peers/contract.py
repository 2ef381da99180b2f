"""What the fan-out workloads must know of a peer to measure it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.bench import ROOT, Bench
from benchmarks.generator.crowd import Follow
from benchmarks.process import Process

SSE, WEBSOCKET = "sse", "websocket"


@dataclass(slots=True)
class Served:
    """A server that runs, and how it is used.

    ``follow`` says what a client sends for a transport and a channel's number, ``ready`` what the
    server sends a client of a transport once that follows its channel. ``publisher`` is a program
    that says ``ready`` and then reads lines: a count of events to publish on each channel.
    """

    process: Process
    port: int
    publisher: list[str]
    follow: Callable[[str, int], Follow]
    ready: dict[str, str]
    channels: int
    environment: dict[str, str] = field(default_factory=dict)
    cwd: Path = ROOT
    #: How many clients come at a time, where nothing is measured of that.
    step: int = 100

    def follows(self, transport: str, folder: Path) -> Path:
        """A file of what the clients of a transport send, one for each channel."""
        path = folder / f"{self.process.name}-{transport}.json"
        path.write_text(json.dumps([self.follow(transport, n) for n in range(self.channels)]))
        return path


class Peer(Protocol):
    """A candidate of the fan-out workloads."""

    name: str
    #: Whether it is the product.
    ours: bool
    #: Whether a loss makes the run fail. Others may lose: what they lose is told.
    must_hold: bool
    #: Whether it is a yardstick, or the product in production: those are measured at every size and
    #: for their latencies. The others are slow, and their place shows at once.
    closely: bool

    @property
    def transports(self) -> Sequence[str]:
        """Over which of the transports it serves."""

    def missing(self) -> str | None:
        """Why it cannot run on this machine."""

    def serve(self, bench: Bench, channels: int) -> Served:
        """Start it for so many channels; raises ``Failed``."""


def follow(path: str, **headers: str) -> Follow:
    """What a client sends that needs no more than a path."""
    return {"path": path, "headers": headers, "say": []}
