"""Cores: the server under test has one to itself, and all else the others."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

_ALL = sorted(os.sched_getaffinity(0))

SERVER: Collection[int] = _ALL[:1]
OTHERS: Collection[int] = _ALL[1:] or _ALL


def pinned() -> bool:
    """Whether there are enough cores for the server to have one to itself."""
    return len(_ALL) > 1


def busy_seconds() -> float:
    """Processor time that anyone has used on the cores beside the server's, so far."""
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in OTHERS:
            user, nice, system, _, _, interrupts, soft_interrupts = map(int, fields[:7])
            ticks += user + nice + system + interrupts + soft_interrupts
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def beside() -> Iterator[None]:
    """This process, where it makes the load, keeps off the server's core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, OTHERS)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wrap(command: list[str], cores: Collection[int]) -> list[str]:
    """A command that runs on the given cores, with all that it starts."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
