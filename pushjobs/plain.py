"""Values that every database, log and client can take: plain JSON, and text that is Unicode."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

#: How deep a JSON value may be nested; encoders and parsers give up not far beyond.
DEPTH = 100
_WHOLE = 2**63


def text(value: Any) -> str:
    """Text without NUL, and without lone surrogates, as odd file names have."""
    return str(value).replace("\x00", "\ufffd").encode(errors="replace").decode()


def number(value: Any) -> float | None:
    """A number that JSON can say: finite, and of no library's own type; None for any other."""
    if value is None or (type(value) is int and abs(value) < 2**53):
        return value
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def jsonable(value: Any, room: int = DEPTH) -> Any:
    """``value`` as plain JSON, with text in place of what is none."""
    if room <= 1 and isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return "…"
    match value:
        case None | bool():
            return value
        case int() if abs(value) < _WHOLE:
            return int(value)
        case float():
            return number(value)
        case Mapping():
            return {text(key): jsonable(item, room - 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [jsonable(item, room - 1) for item in value]
        case _:
            return text(value)


def misfit(value: Any, room: int = DEPTH) -> str | None:
    """Why a JSON value cannot be kept, or None: too deep, or a number that JSON has not."""
    if room <= 0:
        return f"nested more than {DEPTH} deep"
    match value:
        case float() if not math.isfinite(value):
            return "a number that JSON does not have"
        case int() if not -_WHOLE <= value < _WHOLE:
            return "a whole number of more than 64 bits"
        case str() if value != text(value):
            return "text that is no Unicode, or has a NUL"
        case Mapping():
            items = [*value.keys(), *value.values()]
        case list():
            items = value
        case _:
            return None
    return next((found for item in items if (found := misfit(item, room - 1))), None)
