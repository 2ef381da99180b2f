"""Views whose responses are one client's alone, and views that end in odd ways."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie, vary_on_headers
from ninja import NinjaAPI
from ninja.security import APIKeyHeader

from pushjobs.async_views import respond_async
from tests.unit.views import site

api = NinjaAPI(urls_namespace="private")


class TenantKey(APIKeyHeader):
    """Knows tenants, and no user."""

    param_name = "X-API-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return {"tenant": {"key-of-one": 1, "key-of-two": 2}[key or ""]}


@api.get("/tenant", auth=TenantKey())
@respond_async(when="always", keep=60)
def tenant(request: Any) -> Any:
    return request.auth


@respond_async(when="always", coalesce=True)
def joined(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.session.get("colour"))


@respond_async(when="always", coalesce=lambda request: "all")
def joined_by_all(request: HttpRequest) -> HttpResponse:
    request.session["begun"] = True
    return personal(request)


@respond_async
def personal(request: HttpRequest) -> HttpResponse:
    messages.info(request, "a word to you")
    response = HttpResponse(str(request.user))
    response.set_cookie("device", "trusted")
    return response


@respond_async
def public(request: HttpRequest) -> HttpResponse:
    return HttpResponse("news", headers={"Cache-Control": "public, max-age=60"})


@respond_async
def name(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user))


by_cookie = respond_async(cache_page(60)(vary_on_cookie(name)))
by_header = respond_async(cache_page(60)(vary_on_headers("Authorization")(name)))


@respond_async
def leave(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("bye")


@respond_async
def send_on(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(request.GET["to"])


ODD_ENDS = {
    each.__name__: each
    for each in (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)
}


@respond_async
def end_oddly(request: HttpRequest, kind: str) -> HttpResponse:
    raise ODD_ENDS[kind]


@respond_async
async def end_oddly_async(request: HttpRequest, kind: str) -> HttpResponse:
    raise ODD_ENDS[kind]


@respond_async
def break_off(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("the other half is gone")

    return StreamingHttpResponse(parts())


@respond_async
def leave_transaction(request: HttpRequest) -> HttpResponse:
    connection.set_autocommit(False)
    return HttpResponse("begun")


urlpatterns = [
    *site.urlpatterns,
    path("api/", api.urls),
    path("joined", joined),
    path("joined-by-all", joined_by_all),
    path("personal", personal),
    path("public", public),
    path("name", name),
    path("by-cookie", by_cookie),
    path("by-header", by_header),
    path("leave", leave),
    path("a/send-on", send_on),
    path("end-oddly/<str:kind>", end_oddly),
    path("end-oddly-async/<str:kind>", end_oddly_async),
    path("break-off", break_off),
    path("leave-transaction", leave_transaction),
]
