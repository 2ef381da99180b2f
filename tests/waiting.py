"""Waiting for what happens in other threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(holds: Callable[[], bool], step: Callable[[], Any] = lambda: None) -> None:
    """Do ``step`` again and again until the condition holds; fails after a minute."""
    deadline = time.monotonic() + 60
    pause = 0.01
    while not holds():
        assert time.monotonic() < deadline, "it never held"
        step()
        time.sleep(pause)
        pause = min(1.2 * pause, 0.03)  # Who waits long leaves the processor to what is awaited.
