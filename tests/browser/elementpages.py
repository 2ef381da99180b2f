"""Pages with the custom elements, as a project's templates make them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from pushjobs.models import Job

_FRAME = """{% load pushjobs static %}<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Elements</title>
<link rel="stylesheet" href="{% static 'pushjobs/waiting.css' %}">
<main>
<h1>Elements</h1>
{% if jobs %}<h2>Some jobs</h2>{% endif %}
{% for job in jobs %}{% job_progress job token=token %}{% endfor %}
{% if channel %}<h2>My jobs</h2>{% job_list channel=channel limit=limit %}{% endif %}
</main>
"""


def elements(request: HttpRequest) -> HttpResponse:
    """Each ``job`` of the query, opened by a token if ``token`` is there; and a ``channel``."""
    names = request.GET.getlist("job")
    found = Job.objects.in_bulk(names)
    context = {
        "jobs": [job for name in names for job in found.values() if str(job.id) == name],
        "token": "token" in request.GET or None,
        "channel": request.GET.get("channel"),
        "limit": int(request.GET.get("limit", 20)),
    }
    return HttpResponse(Template(_FRAME).render(RequestContext(request, context)))


urlpatterns = [path("elements", elements)]
