"""Views that authenticate their callers themselves, as django-ninja and DRF have them do."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import include, path
from ninja import NinjaAPI
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle as NinjaThrottle
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    parser_classes,
    permission_classes,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from pushjobs.async_views import respond_async
from pushjobs.viewjob import run_of
from tests.unit.views.site import outcome_of


def holder(token: str) -> Any:
    """The user of a token, which is ``token-of-<name>``."""
    return get_user_model().objects.filter(username=token.removeprefix("token-of-")).first()


class UserBearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return holder(token)


class AsyncUserBearer(HttpBearer):
    async def authenticate(self, request: HttpRequest, token: str) -> Any:
        return await get_user_model().objects.filter(username=token[9:]).afirst()


class GroupBearer(HttpBearer):
    """A credential of no user, but of another row."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return Group.objects.filter(name=token.removeprefix("token-of-")).first()


class ClaimsBearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return {"scope": "read"} if token.startswith("token-of-") else None


class EchoingBearer(HttpBearer):
    """Returns the credential itself."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return token


api = NinjaAPI(urls_namespace="authenticated")


def told(request: Any) -> dict[str, Any]:
    return {"auth": str(request.auth), "owner": str(run_of(request).owner)}


@api.post("/user", auth=UserBearer())
@respond_async
def of_user(request: HttpRequest, amount: int) -> dict[str, Any]:
    return told(request) | {"body": json.loads(request.body), "amount": amount}


@api.get("/async-user", auth=AsyncUserBearer())
@respond_async
async def of_async_user(request: HttpRequest) -> dict[str, Any]:
    return told(request)


@api.get("/group", auth=GroupBearer())
@respond_async
def of_group(request: HttpRequest) -> dict[str, Any]:
    return told(request)


@api.get("/claims", auth=ClaimsBearer())
@respond_async
def of_claims(request: HttpRequest) -> dict[str, Any]:
    return told(request)


@api.get("/echo", auth=EchoingBearer())
@respond_async
def of_echo(request: HttpRequest) -> dict[str, Any]:
    return told(request)


class TokenAuthentication(BaseAuthentication):
    """DRF's own, without its table."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        token = request.headers.get("authorization", "").removeprefix("Token ")
        if not token:
            return None
        if (user := holder(token)) is None:
            raise AuthenticationFailed("no such token")
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class Options:
    authentication_classes: ClassVar = [TokenAuthentication, SessionAuthentication]
    permission_classes: ClassVar = [IsAuthenticated]
    parser_classes: ClassVar = [JSONParser, MultiPartParser]
    renderer_classes: ClassVar = [JSONRenderer]


def described(request: Request) -> Response:
    files = {name: file.read().decode() for name, file in request.FILES.items()}
    data = {name: value for name, value in request.data.items() if name not in files}
    owner = str(run_of(request).owner)
    return Response({"user": str(request.user), "owner": owner, "data": data, "files": files})


class OncePerUser(BaseThrottle):
    """DRF's own, without its cache."""

    had: ClassVar[list[str]] = []

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.had.append(str(request.user))
        return len(self.had) == 1


class OncePerCaller(NinjaThrottle):
    """The same for django-ninja."""

    had: ClassVar[list[str]] = []

    def allow_request(self, request: HttpRequest) -> bool:
        self.had.append(request.path)
        return len(self.had) == 1


@api.get("/once", throttle=OncePerCaller())
@respond_async
def once(request: HttpRequest) -> dict[str, Any]:
    return {"user": "any"}


@api.get("/once-async", throttle=[OncePerCaller()])
@respond_async
async def once_async(request: HttpRequest) -> dict[str, Any]:
    return {"user": "any"}


class Once(Options, APIView):
    throttle_classes: ClassVar = [OncePerUser]
    permission_classes: ClassVar = []

    def get(self, request: Request) -> Response:
        return Response({"user": "any"})


class OnceInside(Once):
    get = respond_async(Once.get)


class Inside(Options, APIView):
    @respond_async
    def post(self, request: Request) -> Response:
        return described(request)


class Outside(Options, APIView):
    def post(self, request: Request) -> Response:
        return described(request)


class ByToken(Inside):
    """Does not look at the user that Django's request has."""

    authentication_classes: ClassVar = [TokenAuthentication]


class Set(Options, ViewSet):
    @respond_async
    def create(self, request: Request) -> Response:
        return described(request)


@api_view(["POST"])
@authentication_classes(Options.authentication_classes)
@permission_classes(Options.permission_classes)
@parser_classes(Options.parser_classes)
@respond_async
def function(request: Request) -> Response:
    return described(request)


@respond_async
@api_view(["POST"])
@authentication_classes(Options.authentication_classes)
@permission_classes(Options.permission_classes)
@parser_classes(Options.parser_classes)
def function_outside(request: Request) -> Response:
    return described(request)


urlpatterns = [
    path("", include("pushjobs.urls")),
    path("outcome/<uuid:job_id>", outcome_of),
    path("ninja/", api.urls),
    path("drf/once", OnceInside.as_view()),
    path("drf/once-outside", respond_async(Once.as_view())),
    path("drf/inside", Inside.as_view()),
    path("drf/by-token", ByToken.as_view()),
    path("drf/outside", respond_async(Outside.as_view())),
    path("drf/set", Set.as_view({"post": "create"})),
    path("drf/set-outside", respond_async(Set.as_view({"post": "create"}))),
    path("drf/function", function),
    path("drf/function-outside", function_outside),
]
