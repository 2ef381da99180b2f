"""ASGI routes of the streams, for Channels' ``URLRouter``."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path

from pushjobs.draining import parting
from pushjobs.lifespan import lifespan
from pushjobs.transports import sse, websocket

# Django's types know no ASGI applications, which Channels puts where views stand.
route: Any = path
any_route: Any = re_path

http_urlpatterns = [
    route("jobs/events", sse.events),
    route("jobs/<str:job_id>/events", sse.job_events),
]
websocket_urlpatterns = [route("jobs/socket", websocket.socket)]


def application(django_app: Any, prefix: str = "") -> ProtocolTypeRouter:
    """A whole ASGI application: the streams under ``prefix``, and Django for all else.

    ``prefix`` is where the project includes ``pushjobs.urls``, such as ``"api/"``.
    """
    streams = [route(prefix, URLRouter(http_urlpatterns))] if prefix else http_urlpatterns
    sockets = [route(prefix, URLRouter(websocket_urlpatterns))] if prefix else websocket_urlpatterns
    router = ProtocolTypeRouter(
        {
            "http": parting(URLRouter([*streams, any_route("", django_app)])),
            "websocket": parting(URLRouter([*sockets, any_route("", _refuse)])),
            "lifespan": lifespan,
        }
    )
    router.pushjobs_prefix = prefix  # For the system check.
    return router


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    """A socket at any other path is refused, with 403, and is no error of ours."""
    await receive()
    await send({"type": "websocket.close"})
