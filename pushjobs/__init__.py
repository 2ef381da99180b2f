"""Background jobs whose outcome is pushed to those who wait for it.

``job`` registers a handler, ``submit`` and ``asubmit`` accept a job, and a handler is handed a
``Run``. ``respond_async`` makes jobs of a view's requests. The names are looked up on first use,
because this module imports no models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pushjobs.lazynames import looked_up

if TYPE_CHECKING:
    from pushjobs.async_views import respond_async
    from pushjobs.context import Run
    from pushjobs.endpoints import AsyncEndpoint, accepted
    from pushjobs.exceptions import Cancelled, Failed, PushjobsError
    from pushjobs.files import FileResult, InputFile
    from pushjobs.registry import job
    from pushjobs.submission import asubmit, submit
    from pushjobs.viewjob import run_of

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
    "respond_async",
    "run_of",
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
    "respond_async": "async_views",
    "run_of": "viewjob",
    "submit": "submission",
}

__getattr__ = looked_up(__name__, _HOMES)
