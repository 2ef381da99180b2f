"""The servers that the suite runs on.

``daphne`` and ``uvicorn`` have no writers, so that each ``send`` is driven; ``writers`` is uvicorn
as it runs in production, with the protocols of this package.
"""

from __future__ import annotations

from typing import Any

import pytest

WRITERS = (
    "--loop=uvloop",
    "--http=pushjobs.httpprotocol:HttpProtocol",
    "--ws=pushjobs.socketprotocol:SocketProtocol",
)
#: What ``tests.processes.serve`` is told for each.
WAYS: dict[str, dict[str, Any]] = {
    "daphne": {"kind": "daphne"},
    "uvicorn": {"kind": "uvicorn"},
    "writers": {"kind": "uvicorn", "options": WRITERS},
}
#: The files about what is streamed run in all ways. To others uvicorn is the same in both.
_STREAMS = {"access", "channels", "events", "frames", "resume", "socket", "sse", "writers"}


def ways_of(metafunc: pytest.Metafunc) -> list[str]:
    """The ways in which a test runs."""
    topic = metafunc.module.__name__.rpartition(".test_")[2]
    return list(WAYS) if topic in _STREAMS else ["daphne", "writers"]
