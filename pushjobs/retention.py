"""How long an ended job is kept: some seconds, ``"forever"``, or one of these by outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

#: Seconds after a job's end, at most a hundred years of them, or for ever.
Kept = float | Literal["forever"]


class KeptByOutcome(TypedDict, total=False):
    """``cancelled`` jobs are kept as ``failed`` ones: either may be retried while it is there."""

    succeeded: Kept
    failed: Kept


#: What ``PUSHJOBS["RETENTION"]`` and ``@job(retention=…)`` take.
RetentionOption = Kept | KeptByOutcome

FOREVER = math.inf
#: Seconds; what is longer may lie beyond the last moment that a database can say.
LONGEST = 100 * 365 * 24 * 3600
_OUTCOMES = ("succeeded", "failed")


@dataclass(frozen=True, slots=True)
class Retention:
    """Seconds from a job's end until it may be removed, by outcome; ``FOREVER`` for never."""

    succeeded: float
    failed: float


A_DAY = Retention(24 * 3600, 24 * 3600)


def retention_of(option: object, otherwise: Retention = A_DAY) -> Retention:
    """What an option says; an outcome that it does not name is as ``otherwise`` says.

    Raises ``ValueError``. None is refused, since it might be taken for "for ever" or for
    "nothing", and so is 0: a client has to find what it was promised.
    """
    if not isinstance(option, Mapping):
        return Retention(_seconds(option), _seconds(option))
    if unknown := [name for name in option if name not in _OUTCOMES]:
        raise ValueError(f"retention is by {' and '.join(_OUTCOMES)}, not {unknown[0]!r}")
    named = {name: _seconds(kept) for name, kept in option.items()}
    return Retention(
        named.get("succeeded", otherwise.succeeded), named.get("failed", otherwise.failed)
    )


def _seconds(kept: object) -> float:
    if kept == "forever":
        return FOREVER
    if isinstance(kept, (int, float)) and not isinstance(kept, bool) and 0 < kept <= LONGEST:
        return float(kept)
    raise ValueError(
        f'retention is a number of seconds above 0, up to a hundred years, or "forever", '
        f"not {kept!r}"
    )
