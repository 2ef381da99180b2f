"""The log: the replay buffer behind every stream."""

from __future__ import annotations

from functools import lru_cache

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from pushjobs.conf import settings
from pushjobs.log.contract import Fence, Log, Page

__all__ = ["Fence", "Log", "Page", "get_log"]


@lru_cache(maxsize=1)
def get_log() -> Log:
    """This process's log, an instance of the class that ``PUSHJOBS["LOG"]`` names."""
    log: Log = import_string(settings.LOG)()
    return log


def _reset(*, setting: str, **_: object) -> None:
    if setting == "PUSHJOBS":
        get_log.cache_clear()


setting_changed.connect(_reset)
