"""The page at the site's root: start jobs, see them live, and break what lies between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from project.demo import guests, samples
from project.demo.forms import FORMS, StartForm
from project.demo.views import ReportForm
from project.demo.workerpause import LONGEST, NoWorkerError, worker_pause
from pushjobs import submit
from pushjobs.access import Caller
from pushjobs.exceptions import PushjobsError
from pushjobs.models import Job
from pushjobs.throttling import throttle
from pushjobs.waiting import refusal

POLICY = "default-src 'self'"
#: What the page's script builds on; missing until someone builds it.
BUNDLE = "pushjobs/pushjobs-elements.js"
_LISTED = 20


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The page itself. It makes no guest and no session: crawlers get none."""
    return _page(request)


@require_POST
def guest(request: HttpRequest) -> HttpResponse:
    """Make the visitor a guest, unless they are logged in; 204."""
    try:
        _admit(request)
    except PushjobsError as error:
        return refusal(request, error)
    guests.welcome(request)
    return HttpResponse(status=204)


@require_POST
def start(request: HttpRequest, kind: str) -> HttpResponse:
    """Start a job without the page's script, and go where its result will be (303)."""
    if kind not in FORMS:
        raise Http404(f"nothing of the kind {kind!r} can be started")
    form = FORMS[kind](request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, {kind: form}, status=422)
    try:
        _admit(request)
        guests.welcome(request)
        job = submit(form.handler, form.arguments(), owner=request.user)
    except PushjobsError as error:
        return refusal(request, error)
    response = HttpResponseRedirect(reverse("pushjobs:response", kwargs={"job_id": job.id}))
    response.status_code = 303
    return response


@require_safe
def sample(request: HttpRequest, name: str) -> HttpResponse:
    """A sample as a file."""
    try:
        path = samples.sample(name)
    except KeyError:
        raise Http404(f"there is no sample {name!r}") from None
    return HttpResponse(path.read_bytes(), content_type=samples.TYPES[name])


@require_http_methods(["GET", "POST"])
def worker(request: HttpRequest) -> JsonResponse:
    """How the worker in this process is: ``{"here": bool, "left": seconds or null}``.

    ``left`` is how long it is still paused. ``POST`` with ``paused`` of ``1`` pauses it, of any
    other value has it go on; 409 where the worker is another process.
    """
    status = 200
    if request.method == "POST":
        try:
            worker_pause.set(paused=request.POST.get("paused") == "1")
        except NoWorkerError:
            status = 409
    return JsonResponse(
        {"here": worker_pause.possible, "left": worker_pause.left},
        status=status,
        headers={"Cache-Control": "no-store"},
    )


def _admit(request: HttpRequest) -> None:
    """Count it as a submission; raises ``TooManyRequests`` over the user's or address's rate."""
    user = request.user if request.user.is_authenticated else None
    throttle.admit(Caller(user=user, address=request.META.get("REMOTE_ADDR") or ""))


def _page(
    request: HttpRequest, filled_in: Mapping[str, StartForm] | None = None, status: int = 200
) -> HttpResponse:
    mine = Job.objects.filter(owner_id=request.user.pk) if request.user.is_authenticated else None
    context: dict[str, Any] = {
        "forms": {name: form() for name, form in FORMS.items()} | dict(filled_in or {}),
        "report": ReportForm(),
        "built": finders.find(BUNDLE) is not None,
        "jobs": [] if mine is None else mine.defer("response_body", "traceback")[:_LISTED],
        "longest_pause": int(LONGEST),
        "worker_here": worker_pause.possible,
    }
    response = render(request, "demo/page.html", context, status=status)
    response["Content-Security-Policy"] = POLICY
    response["Cache-Control"] = "private, no-cache"
    return response
