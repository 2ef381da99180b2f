"""A storage whose disk is full."""

from __future__ import annotations

import errno
import os
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from tests.chaos.flags import DISK_FULL, Flags


class FaultyStorage(FileSystemStorage):
    """Keeps files, unless its flag says that there is no room."""

    def _save(self, name: str, content: Any) -> str:
        if Flags(settings.VAR).raised(DISK_FULL):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
        saved: str = super()._save(name, content)
        return saved
