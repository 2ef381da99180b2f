"""The same answers by each kind of view: a page, JSON, a file, a redirect, errors, a stream.

Each is at ``/<kind of view>/<answer>``, and says who asks. A caller is known by the session, or by
``Authorization: Bearer token-of-<name>`` in whatever way the framework takes it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.security import HttpBearer, SessionAuth
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes, renderer_classes
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pushjobs import respond_async
from tests.unit.views.api_site import holder

ANSWERS = ["page", "json", "file", "redirect", "missing", "error", "stream"]


class TokenMiddleware:
    """For views of Django's own: a user by token instead of by session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if token := token_of(request):
            request.user = user = holder(token)
            request.auser = sync_to_async(lambda: user)  # type: ignore[assignment]
        return self._get_response(request)


def token_of(request: Any) -> str:
    return str(request.headers.get("authorization", "")).removeprefix("Bearer ")


def answer(request: Any, kind: str, name: str, *, streams: bool = False) -> Any:
    """An answer that any view may give; ``name`` is the caller's."""
    match kind:
        case "page":
            template = engines["django"].from_string(
                "<p>{{ name }} {{ request.path }} {{ user }} {% csrf_token %}</p>"
            )
            response: Any = TemplateResponse(request, template, {"name": name}, status=203)
            response["X-Made-For"] = name
            response.set_cookie("flavour", "oat", max_age=60, httponly=True)
            return response
        case "file":
            content = BytesIO(b"who\n" + name.encode() * 20_000)
            return FileResponse(content, as_attachment=True, filename="who ü.csv")
        case "redirect":
            return HttpResponseRedirect(request.build_absolute_uri("/after?x=1"))
        case "error":
            raise RuntimeError("it fails")
        case "stream":
            chunks: Any = _async_chunks(name) if streams else _chunks(name)
            return StreamingHttpResponse(chunks, content_type="text/csv")
        case _:
            return None


def _chunks(name: str) -> Iterator[str]:
    for number in range(3):
        yield f"{name},{number}\n"


async def _async_chunks(name: str) -> AsyncIterator[str]:
    for chunk in _chunks(name):
        yield chunk


def name_of(user: Any) -> str:
    return str(getattr(user, "username", "")) or "no one"


def of_django(
    request: HttpRequest, user: Any, kind: str, *, streams: bool = False
) -> HttpResponseBase:
    name = name_of(user)
    if kind == "missing":
        raise Http404(name)
    if kind == "json":
        return JsonResponse({"name": name, "at": request.build_absolute_uri()}, status=201)
    found: HttpResponseBase = answer(request, kind, name, streams=streams)
    return found


@respond_async
def function(request: HttpRequest, kind: str) -> HttpResponseBase:
    return of_django(request, request.user, kind)


@respond_async
async def async_function(request: HttpRequest, kind: str) -> HttpResponseBase:
    return of_django(request, await request.auser(), kind, streams=True)


@method_decorator(respond_async, name="dispatch")
class OfClass(View):
    def get(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        return of_django(request, request.user, kind)


class OfAsyncClass(View):
    async def get(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        return of_django(request, await request.auser(), kind, streams=True)


class Bearer(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        token = token_of(request)
        return (holder(token), None) if token else None


class OfDRF(APIView):
    authentication_classes: ClassVar = [SessionAuthentication, Bearer]
    renderer_classes: ClassVar = [JSONRenderer]

    def get(self, request: Request, kind: str) -> Any:
        return of_drf(request, kind)


def of_drf(request: Request, kind: str) -> Any:
    name = name_of(request.user)
    if kind == "missing":
        raise NotFound(name)
    if kind == "json":
        return Response({"name": name, "at": request.build_absolute_uri()}, status=201)
    return answer(request._request, kind, name)


class InsideDRF(OfDRF):
    @method_decorator(respond_async)
    def get(self, request: Request, kind: str) -> Any:
        return of_drf(request, kind)


@api_view(["GET"])
@authentication_classes([SessionAuthentication, Bearer])
@renderer_classes([JSONRenderer])
@respond_async
def function_of_drf(request: Request, kind: str) -> Any:
    return of_drf(request, kind)


class UserBearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return holder(token)


class AsyncBearer(HttpBearer):
    async def authenticate(self, request: HttpRequest, token: str) -> Any:
        return await get_user_model().objects.filter(username=token[9:]).afirst()


def anyone(request: HttpRequest) -> bool:
    return True


api = NinjaAPI(urls_namespace="matrix", docs_url=None, openapi_url=None)


def of_ninja(request: Any, kind: str, *, streams: bool = False) -> Any:
    name = name_of(request.auth)
    if kind == "missing":
        raise HttpError(404, name)
    if kind == "json":
        return {"name": name, "at": request.build_absolute_uri()}
    return answer(request, kind, name, streams=streams)


@api.get("/sync/{kind}", auth=[UserBearer(), SessionAuth(csrf=False), anyone])
@respond_async
def operation(request: HttpRequest, kind: str) -> Any:
    return of_ninja(request, kind)


@api.get("/async/{kind}", auth=[AsyncBearer(), SessionAuth(csrf=False), anyone])
@respond_async
async def async_operation(request: HttpRequest, kind: str) -> Any:
    return of_ninja(request, kind, streams=True)


SYNC = ["function", "class", "drf-outside", "drf-inside", "drf-function", "ninja/sync"]
ASYNC = ["async-function", "async-class", "ninja/async"]

urlpatterns = [
    path("function/<kind>", function),
    path("async-function/<kind>", async_function),
    path("class/<kind>", OfClass.as_view()),
    path("async-class/<kind>", respond_async(OfAsyncClass.as_view())),
    path("drf-outside/<kind>", respond_async(OfDRF.as_view())),
    path("drf-inside/<kind>", InsideDRF.as_view()),
    path("drf-function/<kind>", function_of_drf),
    path("ninja/", api.urls),
    path("", include("tests.urls")),
]
