"""The view that starts a task and tells its id."""

from __future__ import annotations

import json

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from benchmarks.peers.celeryprogress import tasks


@csrf_exempt
@require_POST
def submit(request: HttpRequest) -> JsonResponse:
    """Hand a task to Celery."""
    body = json.loads(request.body)
    task = tasks.steps if body["name"] == "steps" else tasks.noop
    return JsonResponse({"id": task.delay(**body["args"]).id}, status=202)
