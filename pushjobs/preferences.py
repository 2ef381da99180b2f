"""The ``Prefer`` header (RFC 7240). What is unknown or malformed is ignored, as it demands."""

from __future__ import annotations

import re

_PREFERENCE = re.compile(
    r"""\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)          # a token
        (?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?  # its value
        (?:\s*;[^,]*)?\s*(?:,|$)                   # parameters, of which we know none""",
    re.VERBOSE,
)
_LONGEST = 1000  # No one prefers so much; and the search costs the square of the length.


def parse(header: str) -> dict[str, str]:
    """Preferences by lower-case name; the first of a name counts."""
    found: dict[str, str] = {}
    if len(header) > _LONGEST:
        return found
    for match in _PREFERENCE.finditer(header):
        name, value = match.groups()
        found.setdefault(name.lower(), (value or "").strip('"'))
    return found


def wait(header: str) -> float | None:
    """The seconds of ``wait=N``, or None where it is not asked for or is no whole number."""
    value = parse(header).get("wait", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
