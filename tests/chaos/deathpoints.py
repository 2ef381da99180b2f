"""Points at which the relay's process kills itself, in the middle of a step."""

from __future__ import annotations

import os
import pkgutil
import signal
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings

from tests.chaos.flags import RELAY_DIES, Flags

#: What the relay does in a step: a compare-and-set, a message to the broker, an announcement.
SEAMS = {
    "change": "pushjobs.lifecycle._change",
    "send": "pushjobs.broker.send",
    "publish": "pushjobs.publisher.Publisher.publish",
}
POINTS = tuple(f"{moment} {seam}" for seam in SEAMS for moment in ("before", "after"))
_RELAY_THREAD = "pushjobs-relay"


def set_up() -> None:
    """Let the relay of this process look, at each point, whether it is to die there."""
    flags = Flags(settings.VAR)
    for seam, path in SEAMS.items():
        owner, _, name = path.rpartition(".")
        place = pkgutil.resolve_name(owner)
        setattr(place, name, _deadly(getattr(place, name), seam, flags))


def _deadly(function: Callable[..., Any], seam: str, flags: Flags) -> Callable[..., Any]:
    def pass_by(moment: str) -> None:
        if threading.current_thread().name != _RELAY_THREAD:
            return
        if flags.text(RELAY_DIES) == f"{moment} {seam}" and flags.take(RELAY_DIES):
            os.kill(os.getpid(), signal.SIGKILL)

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        pass_by("before")
        done = function(*args, **kwargs)
        pass_by("after")
        return done

    return wrapped
