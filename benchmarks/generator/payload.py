"""The text of an event: a mark, its number, when it was published, and filling to 200 bytes.

The mark stands in no other byte of a stream, so that marks can be counted wherever the chunks of a
stream are cut. Nothing in it is escaped in JSON.
"""

from __future__ import annotations

import re
import time

SIZE = 200
MARK = b"^"
#: An event's number, and its time of the monotonic clock, in nanoseconds.
PATTERN = re.compile(rb"\^(\d{9})@(\d{19})")
#: The bytes of a mark with its numbers.
LENGTH = 30


def text(number: int) -> str:
    """The text of the event that is published now."""
    return f"^{number:09d}@{time.monotonic_ns():019d} ".ljust(SIZE, "x")
