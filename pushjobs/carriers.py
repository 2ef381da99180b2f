"""Carriers: what a project adds to the context of a request that a job runs.

A tenant that a middleware put onto the request, a feature flag, a tracing id. Name the classes in
``PUSHJOBS["CONTEXTS"]``; each is called when a request is captured, and when it is restored.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import orjson
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.module_loading import import_string

from pushjobs import plain
from pushjobs.conf import settings


@runtime_checkable
class Carrier(Protocol):
    """Carries one piece of context from the request to the job; made once, without arguments.

    ``name`` is unique among the carriers, and stays: a job knows its context by it.
    """

    name: str

    def capture(self, request: HttpRequest) -> Any:
        """What is to be carried, as a JSON value; no credentials, though it is encrypted."""

    def restore(self, request: HttpRequest, value: Any) -> AbstractContextManager[Any]:
        """Entered before the view runs, after the request phase of the middleware."""


@lru_cache(maxsize=1)
def carriers() -> tuple[Carrier, ...]:
    """The project's carriers; raises ``ImproperlyConfigured`` for what is none."""
    found = tuple(_made(path) for path in settings.CONTEXTS)
    names = [carrier.name for carrier in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ImproperlyConfigured(f'PUSHJOBS["CONTEXTS"]: two are named {twice[0]!r}')
    return found


def captured(request: HttpRequest) -> dict[str, Any]:
    """What each carrier carries, by its name; raises ``ImproperlyConfigured`` for no JSON value."""
    return {carrier.name: _checked(carrier, carrier.capture(request)) for carrier in carriers()}


def restored(request: HttpRequest, values: dict[str, Any], stack: ExitStack) -> None:
    """Enter the contexts that were carried; one that was not there at capture is left out."""
    for carrier in carriers():
        if carrier.name in values:
            stack.enter_context(carrier.restore(request, values[carrier.name]))


def _made(path: str) -> Carrier:
    place = f'PUSHJOBS["CONTEXTS"]: {path}'
    try:
        made = import_string(path)()
    except (ImportError, TypeError) as error:
        raise ImproperlyConfigured(f"{place} cannot be made: {error}") from error
    if not isinstance(made, Carrier) or not isinstance(made.name, str):
        raise ImproperlyConfigured(f"{place} has no name, capture(request), restore(request, …)")
    return made


def _checked(carrier: Carrier, value: Any) -> Any:
    try:
        value = orjson.loads(orjson.dumps(value))
        why = plain.misfit(value)
    except (orjson.JSONEncodeError, RecursionError) as error:
        why = str(error)
    if why:
        raise ImproperlyConfigured(
            f"what the context {carrier.name!r} captures is no JSON value: {why}"
        )
    return value


def _reset(*, setting: str, **_: Any) -> None:
    if setting == "PUSHJOBS":
        carriers.cache_clear()


setting_changed.connect(_reset)
