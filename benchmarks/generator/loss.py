"""What makes a measurement not count."""

from __future__ import annotations


class Lost(Exception):
    """Not all that was published came, or not as it was published; says what."""
