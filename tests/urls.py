"""The project's URLs, and a way for a test's client to log in."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator

from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.models import Permission
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import path

from project.urls import urlpatterns as project_urlpatterns
from pushjobs.hub import get_hub
from pushjobs.log import get_log
from pushjobs.log.memory import MemoryLog
from pushjobs.transports.connections import connections
from pushjobs.transportwriter import TransportWriter


def log_in(request: HttpRequest, name: str) -> HttpResponse:
    """Log in as a user of this name, made where there is none; ``staff-…`` may see all jobs."""
    staff = name.startswith("staff")
    user, _ = get_user_model().objects.get_or_create(username=name, defaults={"is_staff": staff})
    if staff:
        user.user_permissions.set(
            Permission.objects.filter(codename__in=["view_job", "change_job"])
        )
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse(get_token(request))


def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse()


async def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Fails when half of it is sent."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("the other half is gone")

    return StreamingHttpResponse(chunks())


async def state(request: HttpRequest) -> JsonResponse:
    """What the process holds for its clients."""
    log = get_log()
    return JsonResponse(
        {
            "process": os.getpid(),
            "feeds": get_hub().feeds,
            "tasks": len(asyncio.all_tasks()),
            "connections": len(connections),
            "channels": len(log._channels) if isinstance(log, MemoryLog) else 0,
        }
    )


async def writers(request: HttpRequest) -> JsonResponse:
    """The framings of the server's own writers that are in use."""
    # By type: ``isinstance`` would ask a lazy user, of another request, who it is.
    found = {item.framing for item in gc.get_objects() if type(item) is TransportWriter}
    return JsonResponse(sorted(found), safe=False)


urlpatterns = [
    *project_urlpatterns,
    path("test-login/<str:name>", log_in),
    path("test-logout", log_out),
    path("test-state", state),
    path("test-writers", writers),
    path("test-broken-stream", broken_stream),
]
