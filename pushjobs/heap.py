"""What a process has loaded by the time that it serves is no garbage."""

from __future__ import annotations

import gc


def freeze() -> None:
    """Leave all objects that there are to the end of the process, and collect among later ones.

    Django, its models and all modules are hundreds of thousands of objects, and a full collection
    walks them all: a third of a busy publisher's time. Once a process, when it has started.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
