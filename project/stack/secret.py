"""Secrets that are made on first use and kept with the state that they belong to."""

from __future__ import annotations

import secrets
from pathlib import Path


def kept_secret(path: Path) -> str:
    """The text in ``path``, made where there is none; safe in a URL."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(60))
    return path.read_text()
