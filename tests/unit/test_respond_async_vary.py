"""``@respond_async``: what is answered at once says that it depends on ``Prefer``, errors too."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils.decorators import method_decorator
from ninja import NinjaAPI
from ninja.errors import HttpError
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.exceptions import NotFound, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pushjobs import respond_async
from tests.unit.conftest import Configure, Postbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("recorder")]


class Refusing(APIView):
    """Its methods raise, of which DRF makes responses."""

    authentication_classes = ()
    permission_classes = ()

    @respond_async
    def get(self, request: Request) -> Response:
        raise NotFound

    @method_decorator(respond_async)
    def put(self, request: Request) -> Response:
        raise Throttled(5)

    def delete(self, request: Request) -> Response:
        raise NotFound


@api_view(["GET"])
@authentication_classes([])
@respond_async
def refusing(request: Request) -> Response:
    raise NotFound


class RefusedWhole(APIView):
    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Throttled(5)


api = NinjaAPI(urls_namespace="vary", docs_url=None, openapi_url=None)


@api.get("/gone")
@respond_async
def gone(request: HttpRequest) -> int:
    raise HttpError(410, "it is gone")


@respond_async
def forbidden(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=403)


@respond_async(when="always")
def submitted(request: HttpRequest) -> HttpResponse:
    raise AssertionError("no broker takes it")


@respond_async(when="always")
async def submitted_async(request: HttpRequest) -> HttpResponse:
    raise AssertionError("there is no database")


urlpatterns = [
    path("refusing", Refusing.as_view()),
    path("refusing-function", refusing),
    path("refused-whole", respond_async(RefusedWhole.as_view())),
    path("api/", api.urls),
    path("forbidden", forbidden),
    path("submitted", submitted),
    path("submitted-async", submitted_async),
    path("", include("tests.urls")),
]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("method", "url", "status", "varies"),
    [
        ("get", "/refusing", 404, True),
        ("put", "/refusing", 429, True),
        ("delete", "/refusing", 404, False),
        ("get", "/refusing-function", 404, True),
        ("get", "/refused-whole", 429, True),
        ("get", "/api/gone", 410, True),
        ("get", "/forbidden", 403, True),
        ("get", "/submitted", 503, True),
    ],
)
def test_a_refusal_depends_on_what_the_client_prefers(
    method: str, url: str, status: int, varies: bool, postbox: Postbox, configure: Configure
) -> None:
    configure(ENQUEUE_FALLBACK="reject")
    postbox.down = True
    answer = getattr(Client(), method)(url)
    assert answer.status_code == status
    assert ("Prefer" in answer.get("Vary", "")) is varies


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("url", ["/submitted", "/submitted-async"])
def test_where_the_database_is_away_the_client_is_told_to_come_back(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("pushjobs.viewjob.submission.accept", fail)
    answer = Client().get(url)
    assert (answer.status_code, "Prefer" in answer["Vary"]) == (503, True)
    assert answer["Retry-After"]


@pytest.mark.urls(__name__)
@pytest.mark.usefixtures("postbox")
def test_who_asks_too_often_is_told_so_with_what_it_depends_on(configure: Configure) -> None:
    configure(ADDRESS_SUBMISSIONS="1/hour")
    answers = [Client().get("/submitted", REMOTE_ADDR="192.0.2.99") for _ in range(2)]
    assert [(each.status_code, "Prefer" in each["Vary"]) for each in answers] == [
        (202, True),
        (429, True),
    ]
