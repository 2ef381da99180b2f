"""The app's URLs: ``path("", include("pushjobs.urls"))`` puts the API under ``/jobs``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from pushjobs.api import api
from pushjobs.asyncapi import document
from pushjobs.exceptions import MethodNotAllowed, NotFound, StreamUnavailable
from pushjobs.responses import json_response, problem_response

app_name = "pushjobs"


@csrf_exempt
def stream(request: HttpRequest, **_: str) -> HttpResponse:
    """Stands where ``pushjobs.routing`` should have taken the request; ``check`` says why not."""
    problem = StreamUnavailable("this server has no streams at this URL")
    del problem.headers["Retry-After"]
    return problem_response(problem)


@csrf_exempt
def nothing(request: HttpRequest, **_: str) -> HttpResponse:
    """Stands at every other path below ``/jobs``."""
    return problem_response(NotFound())


@csrf_exempt
def asyncapi(request: HttpRequest) -> HttpResponse:
    """The AsyncAPI document of the streams."""
    if request.method != "GET":
        return problem_response(MethodNotAllowed(headers={"Allow": "GET"}))
    return json_response(document())


urlpatterns = [
    path("jobs/events", stream, name="events"),
    path("jobs/socket", stream, name="socket"),
    path("jobs/asyncapi.json", asyncapi, name="asyncapi"),
    path("jobs/<str:job_id>/events", stream, name="job-events"),
    *api.patterns,
    path("jobs/<path:rest>", nothing),
]
