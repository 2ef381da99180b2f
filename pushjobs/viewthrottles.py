"""Throttles of django-ninja and Django REST framework: a request that is put off counts once.

Where the decorator stands inside of what these make of a view, they have counted the request before
it is put off. In the worker it passes them again, and must neither count nor be refused there.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from pushjobs.viewauth import path_view

_COUNTED = "_pushjobs_counted"


def pass_by(request: HttpRequest) -> None:
    """Let a restored request pass the throttles of its view, which have counted it."""
    setattr(request, _COUNTED, True)
    match = request.resolver_match
    if match is None:
        return
    found = path_view(match)
    for operation in found.operations if found else ():
        throttles = operation.throttle_objects
        if not all(isinstance(throttle, _Once) for throttle in throttles):
            operation.throttle_objects = [_Once(throttle) for throttle in throttles]
    view_class = getattr(match.func, "cls", None)
    if hasattr(view_class, "check_throttles"):
        _check_once(view_class)


class _Once(BaseThrottle):
    """A throttle of django-ninja that passes what was counted, and is the same for all else."""

    def __init__(self, throttle: BaseThrottle) -> None:
        self._throttle = throttle

    def allow_request(self, request: HttpRequest) -> bool:
        return _is_counted(request) or self._throttle.allow_request(request)

    def wait(self) -> float | None:
        return self._throttle.wait()


def _check_once(view_class: Any) -> None:
    """The same for a view of DRF, whose throttles are made for each request."""
    check = view_class.check_throttles
    if hasattr(check, _COUNTED):
        return

    @wraps(check)
    def check_throttles(view: Any, request: Any) -> None:
        if not _is_counted(request._request):  # noqa: SLF001
            check(view, request)

    setattr(check_throttles, _COUNTED, True)
    view_class.check_throttles = check_throttles


def _is_counted(request: HttpRequest) -> bool:
    return getattr(request, _COUNTED, False)
