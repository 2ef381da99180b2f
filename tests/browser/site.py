"""A site with a slow view, whose pages may load nothing from elsewhere and run nothing inline."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
)
from django.shortcuts import redirect
from django.urls import path

from pushjobs import respond_async, run_of, tokens
from tests.browser import asyncsite
from tests.browser.elementpages import urlpatterns as elements_urlpatterns
from tests.urls import urlpatterns as tests_urlpatterns

#: Trusted Types besides: no script may make markup or scripts out of text.
POLICY = "default-src 'self'; require-trusted-types-for 'script'"

PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>{0}</title><h1>{0}</h1>"
TABLE = b"city,people\nOslo,717710\n"
LONG = "a-name-that-is-longer-than-any-telephone-is-wide-" * 3


def strict_policy(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """The middleware that says it with each response."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response

    return middleware


def start(request: HttpRequest) -> HttpResponse:
    """Where a visit begins, and where it comes back to."""
    return HttpResponse(PAGE.format("Start"))


@respond_async(when="always")
def report(request: HttpRequest) -> HttpResponseBase:
    """Says how far it is until the file ``gate`` exists, then answers with a thing of ``kind``."""
    run = run_of(request)
    gate = Path(request.GET["gate"])
    run.emit(f"reading {LONG}\n")
    tick = 0
    while not gate.exists():
        tick += 1
        run.progress(2, 5, f"tick {tick} {LONG}")  # Ends here when it is cancelled.
        time.sleep(0.05)
    match request.GET["kind"]:
        case "redirect":
            return redirect("/arrived")
        case "file":
            return FileResponse(BytesIO(TABLE), as_attachment=True, filename="report.csv")
        case "error":
            raise LookupError("the report is not there")
        case _:
            return HttpResponse(
                PAGE.format(f"Report for {request.user.get_username() or 'anyone'}")
            )


def ticket(request: HttpRequest) -> JsonResponse:
    """A token for all jobs of ``user``, which expires in ``seconds``."""
    user, _ = get_user_model().objects.get_or_create(username=request.GET["user"])
    seconds = float(request.GET["seconds"])
    return JsonResponse({"token": tokens.for_user(user.pk, ["user:me"], ["read"], seconds)})


def icon(request: HttpRequest) -> HttpResponse:
    """What browsers ask each site for; an error of the console where it has none."""
    return HttpResponse(status=204)


def arrived(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE.format("Arrived"))


urlpatterns = [
    path("favicon.ico", icon),
    path("start", start),
    path("report", report),
    path("arrived", arrived),
    path("ticket", ticket),
    *asyncsite.urlpatterns,
    *elements_urlpatterns,
    *tests_urlpatterns,
]
