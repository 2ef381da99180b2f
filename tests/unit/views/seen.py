"""What a view sees of its request."""

from __future__ import annotations

from typing import Any

from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest
from django.utils import timezone, translation


def described(request: HttpRequest) -> dict[str, Any]:
    """All that a view may look at."""
    return {
        "method": request.method,
        "path": request.path,
        "full_path": request.get_full_path(),
        "absolute": request.build_absolute_uri("/elsewhere?x=1"),
        "host": request.get_host(),
        "secure": request.is_secure(),
        "site": get_current_site(request).domain,
        "query": dict(request.GET.lists()),
        "post": dict(request.POST.lists()),
        "files": [
            [field, each.name, each.content_type, each.size, each.read().decode("latin-1")]
            for field, many in request.FILES.lists()
            for each in many
        ],
        "body": None if request.FILES else _body(request),
        "content_type": request.content_type,
        "agent": request.headers.get("user-agent"),
        "address": request.META["REMOTE_ADDR"],
        "user": str(getattr(request, "user", None)),
        "session": request.session.get("colour"),
        "language": translation.get_language(),
        "language_code": getattr(request, "LANGUAGE_CODE", None),
        "time_zone": timezone.get_current_timezone_name(),
        "account": getattr(request, "account", None),
    }


def _body(request: HttpRequest) -> str | None:
    multipart = request.content_type == "multipart/form-data"
    return None if multipart else request.body.decode("latin-1")
