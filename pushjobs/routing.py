"""ASGI routes of the streams: a whole application, or lists for Channels' ``URLRouter``."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.urls import path

from pushjobs.draining import parting
from pushjobs.lifespan import lifespan
from pushjobs.polls import Polls
from pushjobs.submissions import Submissions
from pushjobs.transports import sse, websocket
from pushjobs.transports.request import Scope
from pushjobs.writer import Send

# Django's types know no ASGI applications, which Channels puts where views stand.
route: Any = path

http_urlpatterns = [
    route("jobs/events", sse.events),
    route("jobs/<str:job_id>/events", sse.job_events),
]
websocket_urlpatterns = [route("jobs/socket", websocket.socket)]


def application(django_app: Any, prefix: str = "") -> Any:
    """A whole ASGI application: streams and polls under ``prefix``, and Django for all else.

    ``prefix`` is where the project includes ``pushjobs.urls``, such as ``"api/"``.
    """
    ours = [*http_urlpatterns, route("jobs/<str:job_id>", Polls(django_app))]
    if type(django_app) is ASGIHandler:  # Another one may do something around Django's.
        ours.append(route("jobs", Submissions(django_app)))
    routers: dict[str, Any] = {
        "http": Router(prefix, ours, django_app),
        "websocket": Router(prefix, websocket_urlpatterns, _refuse),
        "lifespan": lifespan,
    }
    router = parting(lambda scope, *channels: routers[scope["type"]](scope, *channels))
    router.pushjobs_prefix = prefix  # For the system check.
    return router


class Router:
    """As Channels' ``URLRouter``, but a call goes through it without a coroutine of its own.

    Each would take memory for as long as a stream lasts.
    """

    def __init__(self, prefix: str, routes: Sequence[Any], other: Any) -> None:
        self._routes = [
            (route(f"{prefix}{known.pattern}", known.callback).pattern, known.callback)
            for known in routes
        ]
        self._other = other

    def __call__(self, scope: Scope, receive: Any, send: Send) -> Awaitable[None]:
        """The awaitable of the application that answers."""
        inner = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        for pattern, handler in self._routes:
            if match := pattern.match(inner):
                _, args, kwargs = match
                scope = scope | {"url_route": {"args": args, "kwargs": kwargs}}
                return handler(scope, receive, send)  # type: ignore[no-any-return]
        return self._other(scope, receive, send)  # type: ignore[no-any-return]


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    """A socket at any other path is refused, with 403, and is no error of ours."""
    await receive()
    await send({"type": "websocket.close"})
