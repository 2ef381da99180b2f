"""Views of every kind whose requests are put off, at URLs of their own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from ninja import NinjaAPI, Query, Schema

from pushjobs import respond_async

in_job = respond_async(when="always")


def echo(request: HttpRequest, **more: Any) -> JsonResponse:
    """What was asked for."""
    found = {"method": request.method, "query": request.GET.dict(), **more}
    response = JsonResponse(found, status=203)
    response["X-Kind"] = "echo"
    return response


def moved(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(request.GET["to"])


async def echo_async(request: HttpRequest) -> HttpResponse:
    return echo(request)


@respond_async
def preferred(request: HttpRequest) -> HttpResponse:
    return echo(request)


@method_decorator(in_job, name="dispatch")
class Dispatched(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return echo(request, pk=pk)


@method_decorator(in_job, name="dispatch")
class AsyncDispatched(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return echo(request)


class Methods(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return echo(request)

    @in_job
    def post(self, request: HttpRequest) -> HttpResponse:
        return echo(request)

    @method_decorator(in_job)
    def put(self, request: HttpRequest) -> HttpResponse:
        return echo(request)


class AsyncMethods(View):
    @method_decorator(in_job)
    async def get(self, request: HttpRequest) -> HttpResponse:
        return echo(request)


@in_job
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    return echo(request, user=request.user.get_username())


@respond_async
def writes_and_fails(request: HttpRequest) -> HttpResponse:
    get_user_model().objects.create(username="written")
    raise RuntimeError("after it has written")


@respond_async
@transaction.non_atomic_requests
def non_atomic(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"atomic": connection.in_atomic_block})


api = NinjaAPI(urls_namespace="deferred", docs_url=None, openapi_url=None)


class Numbers(Schema):
    """Of this module alone, where django-ninja is to look it up."""

    left: int
    right: int = 1


@api.get("/add")
@respond_async
def add(request: HttpRequest, numbers: Query[Numbers]) -> dict[str, int]:
    return {"sum": numbers.left + numbers.right}


@api.get("/add-async")
@respond_async
async def add_async(request: HttpRequest, left: int, right: int = 1) -> dict[str, int]:
    return {"sum": left + right}


urlpatterns = [
    path("plain", echo),
    path("preferred", preferred),
    path("always", in_job(echo)),
    path("moved/here", in_job(moved)),
    path("sometimes", respond_async(when=lambda request: "slow" in request.GET)(echo)),
    path("soon", respond_async(after=20)(echo)),
    path("soon-async", respond_async(after=20)(echo_async)),
    path("at-once-or-later", respond_async(after=0.05)(echo)),
    path("shared", respond_async(when="always", coalesce=True)(echo)),
    path("shared-by-all", respond_async(when="always", coalesce=lambda request: "all")(echo)),
    path("kept", respond_async(when="always", keep=60)(echo)),
    path("async", in_job(echo_async)),
    path("dispatched/<int:pk>", Dispatched.as_view()),
    path("async-dispatched", AsyncDispatched.as_view()),
    path("whole", in_job(Methods.as_view())),
    path("async-whole", in_job(AsyncMethods.as_view())),
    path("methods", Methods.as_view()),
    path("async-methods", AsyncMethods.as_view()),
    path("mine", mine),
    path("writes-and-fails", writes_and_fails),
    path("non-atomic", non_atomic),
    path("api/", api.urls),
    path("", include("tests.urls")),
]
