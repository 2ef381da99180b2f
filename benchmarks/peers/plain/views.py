"""The views: one insert, one read, and the two of a project whose clients poll."""

from __future__ import annotations

import json

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from benchmarks.peers.plain import tasks
from benchmarks.peers.plain.models import Report


@csrf_exempt
@require_POST
def insert(request: HttpRequest) -> JsonResponse:
    """The bare insert: one row, and its id."""
    body = json.loads(request.body)
    report = Report.objects.create(name=body["name"], args=body["args"])
    return JsonResponse({"id": report.pk, "status": report.status}, status=202)


@require_GET
def read(request: HttpRequest, report_id: int) -> JsonResponse:
    """The bare read: one row by its primary key."""
    return JsonResponse(_document(get_object_or_404(Report, pk=report_id)))


@csrf_exempt
@require_POST
def submit(request: HttpRequest) -> JsonResponse:
    """Insert a row and hand it to an actor, as tutorials do."""
    body = json.loads(request.body)
    report = Report.objects.create(name=body["name"], args=body["args"])
    if body["name"] == "steps":
        tasks.steps.send(report.pk, **body["args"])
    else:
        tasks.noop.send(report.pk)
    return JsonResponse({"id": report.pk, "status": report.status}, status=202)


@csrf_exempt
async def insert_async(request: HttpRequest) -> JsonResponse:
    """``insert`` as an async view."""
    body = json.loads(request.body)
    report = await Report.objects.acreate(name=body["name"], args=body["args"])
    return JsonResponse({"id": report.pk, "status": report.status}, status=202)


async def read_async(request: HttpRequest, report_id: int) -> JsonResponse:
    """``read`` as an async view."""
    return JsonResponse(_document(await Report.objects.aget(pk=report_id)))


def _document(report: Report) -> dict[str, object]:
    return {
        "id": report.pk,
        "name": report.name,
        "status": report.status,
        "percent": report.percent,
        "result": report.result,
        "created_at": report.created_at,
        "started_at": report.started_at,
        "finished_at": report.finished_at,
    }
