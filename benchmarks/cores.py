"""Cores: the server under test has one to itself, and all else the others."""

from __future__ import annotations

import os
from collections.abc import Collection

_ALL = sorted(os.sched_getaffinity(0))

SERVER: Collection[int] = _ALL[:1]
OTHERS: Collection[int] = _ALL[1:] or _ALL


def pinned() -> bool:
    """Whether there are enough cores for the server to have one to itself."""
    return len(_ALL) > 1


def wrap(command: list[str], cores: Collection[int]) -> list[str]:
    """A command that runs on the given cores, with all that it starts."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
