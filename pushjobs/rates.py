"""Rates, as settings give them: ``600/minute``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}
_RATE = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(_PERIODS)})")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` in any ``period`` seconds."""

    count: int
    period: int


def rate_of(text: object) -> Rate | None:
    """The rate that a setting's text says, None for an empty one; raises ``ValueError``."""
    if text == "":
        return None
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(
            f'write a rate like "600/minute" (per {", ".join(_PERIODS)}), or "" for no limit'
        )
    return Rate(int(found[1]), _PERIODS[found[2]])
