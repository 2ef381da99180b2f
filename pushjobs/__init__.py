"""Background jobs whose outcome is pushed to those who wait for it.

``job`` registers a handler, ``submit`` and ``asubmit`` accept a job, and a handler is handed a
``Run``. The names are looked up on first use, because this module imports no models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pushjobs.context import Run
    from pushjobs.endpoints import AsyncEndpoint, accepted
    from pushjobs.exceptions import Cancelled, Failed, PushjobsError
    from pushjobs.files import FileResult, InputFile
    from pushjobs.registry import job
    from pushjobs.submission import asubmit, submit

__version__ = "0.1.0"

__all__ = [
    "AsyncEndpoint",
    "Cancelled",
    "Failed",
    "FileResult",
    "InputFile",
    "PushjobsError",
    "Run",
    "accepted",
    "asubmit",
    "job",
    "submit",
]

_HOMES = {
    "AsyncEndpoint": "endpoints",
    "Cancelled": "exceptions",
    "Failed": "exceptions",
    "FileResult": "files",
    "InputFile": "files",
    "PushjobsError": "exceptions",
    "Run": "context",
    "accepted": "endpoints",
    "asubmit": "submission",
    "job": "registry",
    "submit": "submission",
}


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{home}"), name)
