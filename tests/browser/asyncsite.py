"""Views that answer in every way that a view can, and asynchronously to who prefers that."""

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path

from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from pushjobs import respond_async, run_of

#: More than is kept in the database.
LARGE = bytes(range(256)) * 1024


@csrf_exempt
@respond_async
def answer(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Answer in the way that ``kind`` names."""
    match kind:
        case "json":
            body = {"rows": 3, "user": request.user.get_username()}
            response = JsonResponse(body, status=201, headers={"X-Report": "yes"})
            response.set_cookie("seen", "yes")
            return response
        case "text":
            return HttpResponse("Zoë\n", content_type="text/plain; charset=utf-16")
        case "page":
            return HttpResponse("<p>Done")
        case "file":
            return FileResponse(BytesIO(b"a,b\n"), as_attachment=True, filename="Übersicht.csv")
        case "large":
            return HttpResponse(LARGE, content_type="application/octet-stream")
        case "empty":
            return HttpResponse(status=204)
        case "echo":
            upload = request.FILES["table"]
            return JsonResponse({"name": upload.name, "text": upload.read().decode()})
        case "redirect":
            return HttpResponseRedirect("../arrived")
        case "refused":
            return JsonResponse({"errors": ["too few rows"]}, status=422)
        case "missing":
            raise Http404("there is no such report")
        case "broken":
            raise LookupError("the report is not there")
        case _:
            return _when_opened(request)


def _when_opened(request: HttpRequest) -> HttpResponse:
    """Wait for the file ``gate``, for ten seconds at most; a job tells how long it has waited."""
    run = run_of(request)
    gate = Path(request.GET["gate"])
    for tick in range(200):
        if gate.exists():
            break
        run.progress(tick, 200)
        time.sleep(0.05)
    return HttpResponse("opened")


urlpatterns = [path("async/<slug:kind>", answer)]
