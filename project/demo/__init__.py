"""Three real jobs: profile a CSV file, compress a video, narrate a text.

``jobs`` is where they meet Pushjobs. The work itself needs no more of it than a ``Reporter``.
"""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """What the work says while it runs, and hears; ``pushjobs.Run`` is one."""

    @property
    def cancelled(self) -> bool:
        """Whether the work shall stop."""

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Say how far the work is, of a ``total`` if that is known; raises to stop the work."""

    def emit(self, chunk: str, stream: str = "output") -> None:
        """Say a piece of output."""


class InputError(ValueError):
    """The client's input cannot be worked on; the message is for the client to read."""
