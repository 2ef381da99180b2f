"""Sends a restored request through the project's middleware and URLconf to its view.

A ``BaseHandler`` as those for WSGI and ASGI, without their end of the request: its signals would
close the connections to the databases that belong to the worker, or to the request it runs within.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.base import BaseHandler
from django.core.signals import got_request_exception, setting_changed
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404

from pushjobs import coroutines
from pushjobs.exceptions import Cancelled, RequestEnded, Superseded, ViewGone
from pushjobs.restoring import Restored, arrive, restored_from

logger = logging.getLogger(__name__)


class ViewHandler(BaseHandler):
    """The project's middleware around its views, as in a thread of a WSGI server."""

    def __init__(self) -> None:
        self.load_middleware()
        self._view_middleware.insert(0, _arrive)  # type: ignore[attr-defined]
        self._exception_middleware.insert(0, _stop)  # type: ignore[attr-defined]

    def resolve_request(self, request: HttpRequest) -> Any:
        try:
            return super().resolve_request(request)
        except Resolver404:
            _known(request).ended = ViewGone()
            raise

    def make_view_atomic(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """An async view is run such that the job's interrupts are heeded."""
        found: Callable[..., Any] = super().make_view_atomic(view)
        if not iscoroutinefunction(found):
            return found

        # Without what marks the view of an async class as a coroutine function.
        def waited_for(*args: Any, **kwargs: Any) -> Any:
            return coroutines.run_with_thread(found, *args, **kwargs)

        return waited_for


@lru_cache(maxsize=1)
def get_handler() -> ViewHandler:
    """The process's handler; its middleware is loaded once."""
    return ViewHandler()


def close(response: HttpResponseBase) -> None:
    """Close what a response and its request hold open, without the end of a client's request."""
    for closer in response._resource_closers:  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            closer()
        except Exception:
            logger.exception("a response could not be closed")
    response._resource_closers.clear()  # type: ignore[attr-defined]  # noqa: SLF001


def _arrive(request: HttpRequest, *_: Any) -> HttpResponseBase | None:
    """The first of the view middleware; what it raised would end as an error page."""
    try:
        arrive(request)
    except RequestEnded as ended:
        _known(request).ended = ended
        return _void()
    return None


def _stop(request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
    """The first of the exception middleware: a view that heeds its job's cancel has no error."""
    if not isinstance(exception, (Cancelled, Superseded)):
        return None
    _known(request).raised = exception
    return _void()


def _void() -> HttpResponse:
    """A response that no one will see, nor any log."""
    response = HttpResponse(status=503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def _note_exception(request: HttpRequest | None = None, **_: Any) -> None:
    known = restored_from(request) if isinstance(request, HttpRequest) else None
    if known is not None:
        known.raised = sys.exc_info()[1]


def _known(request: HttpRequest) -> Restored:
    known = restored_from(request)
    assert known is not None
    return known


def _reset(**_: Any) -> None:
    get_handler.cache_clear()


got_request_exception.connect(_note_exception)
setting_changed.connect(_reset)
