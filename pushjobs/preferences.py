"""The ``Prefer`` header (RFC 7240). What is unknown or malformed is ignored, as it demands.

Several fields of the name count as one, with commas in between; servers join them so.
"""

from __future__ import annotations

import re

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
#: What lies between two commas, of which those in a quoted text are none.
_ITEM = re.compile(rf'((?:[^,"]|{_QUOTED}|")*+)(?:,|$)', re.DOTALL)
#: A name, its value if any, and parameters, of which we know none (section 2).
_PREFERENCE = re.compile(rf"\s*({_TOKEN})\s*(?:=\s*({_TOKEN}|{_QUOTED})?\s*)?(?:;.*)?", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LONGEST = 1000  # No one prefers so much; and the search costs the square of the length.


def parse(header: str) -> dict[str, str]:
    """Preferences by lower-case name; the first of a name counts, and "" is no value."""
    found: dict[str, str] = {}
    if len(header) > _LONGEST:
        return found
    for item in _ITEM.finditer(header):
        if match := _PREFERENCE.fullmatch(item[1]):
            name, value = match.groups(default="")
            if value.startswith('"'):
                value = _ESCAPED.sub(r"\1", value[1:-1])
            found.setdefault(name.lower(), value)
    return found


def wait(header: str) -> float | None:
    """The seconds of ``wait=N``, or None where it is not asked for or is no whole number."""
    value = parse(header).get("wait", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def respond_async(header: str) -> bool:
    """Whether ``respond-async`` is asked for (section 4.1); it has no value."""
    return parse(header).get("respond-async") == ""


def applied(*, respond_async: bool = False, wait: float | None = None) -> str:
    """The value of ``Preference-Applied`` (section 3), or "" where nothing was applied."""
    names = ["respond-async"] if respond_async else []
    if wait is not None:
        names.append(f"wait={wait:g}")
    return ", ".join(names)
