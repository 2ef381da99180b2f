"""What takes its time before anything is measured, done at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def together(calls: Iterable[Callable[[], Result]]) -> list[Result]:
    """Call all at the same time; their results in order. Raises what the first that fails does."""
    calls = list(calls)
    with ThreadPoolExecutor(max(1, len(calls))) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
