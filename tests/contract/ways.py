"""The servers that the suite runs on."""

from __future__ import annotations

import pytest

from tests.processes import WAYS

#: The files about what is streamed run in all ways. To others uvicorn is the same in both.
_STREAMS = {"access", "channels", "events", "frames", "many_tokens", "resume", "socket", "sse"}
_STREAMS |= {"writers"}


def ways_of(metafunc: pytest.Metafunc) -> list[str]:
    """The ways in which a test runs."""
    topic = metafunc.module.__name__.rpartition(".test_")[2]
    return list(WAYS) if topic in _STREAMS else ["daphne", "writers"]
