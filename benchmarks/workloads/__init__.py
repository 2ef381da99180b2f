"""The workloads, each a module with a ``TITLE`` and ``run(bench)``."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from benchmarks.bench import Bench
from benchmarks.table import Table

#: Those of ``make bench``; the soak is a run of its own.
NAMES = (
    *("fanout", "growth", "manyjobs"),
    *("accept", "wholepath", "polling", "worker", "progress", "scaling", "tablesize"),
    *("memory", "storm"),
)
SOAK = "soak"


class Workload(Protocol):
    """What a workload's module has."""

    TITLE: str

    def run(self, bench: Bench) -> list[Table]:
        """Measure; raises ``Failed`` where a program does not do what it must."""


def load(name: str) -> Workload:
    """The workload of a name; raises ``ModuleNotFoundError``."""
    return cast(Workload, import_module(f"benchmarks.workloads.{name}"))
