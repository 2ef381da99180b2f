"""What the suite's jobs say, so that a client's ears can be tested."""

from __future__ import annotations


def said(attempt: int | str, step: int, padding: int = 0) -> str:
    """What an attempt says at a step."""
    return f"{attempt}.{step};" + "." * padding


def speech(steps: int, padding: int = 0) -> str:
    """All that an attempt says, with ``{attempt}`` for its number."""
    return "".join(said("{attempt}", step, padding) for step in range(steps))
