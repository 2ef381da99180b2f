"""Views as a project has them, each made asynchronous, and the URLs that lead to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.middleware.csrf import get_token
from django.template import engines
from django.urls import include, path, reverse
from django.utils import translation

from pushjobs import Run
from pushjobs.async_views import respond_async
from pushjobs.models import Job
from pushjobs.responsepage import outcome
from pushjobs.viewjob import run_of
from tests.unit.views.seen import described
from tests.urls import log_in


@respond_async
def look(request: HttpRequest) -> JsonResponse:
    return JsonResponse(described(request))


@respond_async
async def look_async(request: HttpRequest) -> JsonResponse:
    await asyncio.sleep(0)
    user = await request.auser()  # type: ignore[attr-defined]
    exists = await get_user_model().objects.filter(username=str(user)).aexists()
    return JsonResponse({"user": str(user), "exists": exists, "body": request.body.decode()})


@respond_async
def page(request: HttpRequest) -> HttpResponse:
    """Rendered with the project's context processors."""
    text = (
        "{{ request.path }} {{ user.username }} {{ perms.auth.add_user }} "
        "{% for message in messages %}[{{ message }}]{% endfor %}"
    )
    return HttpResponse(engines["django"].from_string(text).render({}, request))


@respond_async
def flash(request: HttpRequest, text: str) -> HttpResponse:
    messages.success(request, text, extra_tags="big")
    return HttpResponseRedirect("/shown")


def shown(request: HttpRequest) -> JsonResponse:
    """An ordinary page, which tells the client's messages."""
    found = [[str(message), message.tags] for message in messages.get_messages(request)]
    return JsonResponse({"messages": found, "session": dict(request.session.items())})


@respond_async
def write_session(request: HttpRequest) -> HttpResponse:
    request.session["colour"] = request.GET["colour"]
    request.session.pop("old", None)
    return HttpResponse("kept")


@respond_async
def interleaved(request: HttpRequest) -> HttpResponse:
    """Writes to the session while its client, in another request, does so as well."""
    assert request.session["size"] == "9"
    request.session["colour"] = request.GET["colour"]
    other = type(request.session)(request.session.session_key)
    other["size"] = "10"
    other["colour"] = "green"
    del other["old"]
    other.save()
    return HttpResponse("kept")


@respond_async
def show_own_message(request: HttpRequest) -> HttpResponse:
    messages.info(request, "own")
    text = "{% for message in messages %}[{{ message }}]{% endfor %}"
    return HttpResponse(engines["django"].from_string(text).render({}, request))


@respond_async
def csrf(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_token(request))


@respond_async
def prefixed(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{reverse('plain')} {request.path} {request.path_info}")


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("taken")


def set_session(request: HttpRequest) -> HttpResponse:
    request.session.update(request.GET.dict())
    return HttpResponse("set")


@respond_async
def enter(request: HttpRequest) -> HttpResponse:
    """Logs a user in, in the background."""
    user = get_user_model().objects.get(username=request.GET["name"])
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse("welcome")


@respond_async
def greet(request: HttpRequest) -> HttpResponse:
    return HttpResponse(translation.gettext("Yes"))


@respond_async
def set_cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("crumbs", status=201, headers={"X-Made-By": "view"})
    response.set_cookie("flavour", "oat; raisin", httponly=True, samesite="Lax", max_age=60)
    response.delete_cookie("stale")
    return response


@respond_async
def redirect(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/elsewhere?a=1")


@respond_async
def missing(request: HttpRequest) -> HttpResponse:
    raise Http404("no such thing")


@respond_async
def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("a secret path")


@respond_async
async def broken_async(request: HttpRequest) -> HttpResponse:
    raise ValueError("a secret path")


@respond_async
def teapot(request: HttpRequest) -> HttpResponse:
    """Answers 500 of its own accord."""
    return JsonResponse({"short": "stout"}, status=500)


@respond_async
def make_user(request: HttpRequest) -> HttpResponse:
    get_user_model().objects.create(username="made")
    if "fail" in request.GET:
        raise ValueError("after the write")
    return HttpResponse("made")


@respond_async
def stream(request: HttpRequest) -> HttpResponseBase:
    def parts() -> Iterator[str]:
        yield translation.get_language() or ""
        yield " and "
        yield str(request.user)

    return StreamingHttpResponse(parts(), content_type="text/plain")


@respond_async
async def stream_async(request: HttpRequest) -> HttpResponseBase:
    async def parts() -> AsyncIterator[str]:
        for part in ("one ", "two"):
            await asyncio.sleep(0)
            yield part

    return StreamingHttpResponse(parts(), content_type="text/plain")


@respond_async
def download(request: HttpRequest) -> HttpResponseBase:
    handle = open(request.GET["path"], "rb")  # noqa: PTH123, SIM115  # The response closes it.
    return FileResponse(handle, as_attachment=True, filename="report.csv")


@respond_async
def tell(request: HttpRequest) -> HttpResponse:
    run = run_of(request)
    run.emit("counting\n")
    for _ in run.track(range(3)):
        pass
    return HttpResponse(f"{type(run).__name__} {run.attempt} {run.owner}")


@respond_async
def give_up(request: HttpRequest) -> HttpResponse:
    """Is told to stop in mid-work."""
    run: Run = run_of(request)
    run.request_cancel()
    run.progress(1, 2)
    return HttpResponse("never")


@respond_async
def notice(request: HttpRequest) -> HttpResponse:
    """Looks whether it is to stop, and returns."""
    run_of(request).request_cancel()
    return HttpResponse("in vain" if run_of(request).cancelled else "on")


@respond_async
def wait(request: HttpRequest) -> HttpResponse:
    run_of(request).emit("waiting\n")
    while True:
        time.sleep(0.01)


@respond_async(max_attempts=2)
def wait_twice(request: HttpRequest) -> HttpResponse:
    return wait(request)


@respond_async
async def wait_async(request: HttpRequest) -> HttpResponse:
    run_of(request).emit("waiting\n")
    while True:
        await asyncio.sleep(0.01)


def outcome_of(request: HttpRequest, job_id: UUID) -> HttpResponseBase:
    """What the response URL answers of a job that is over."""
    return outcome(request, Job.objects.get(pk=job_id), own=True)


urlpatterns = [
    path("", include("pushjobs.urls")),
    path("outcome/<uuid:job_id>", outcome_of),
    path("test-login/<str:name>", log_in),
    path("look", look),
    path("look-async", look_async),
    path("page", page),
    path("flash/<str:text>", flash),
    path("shown", shown),
    path("write-session", write_session),
    path("set-session", set_session),
    path("csrf", csrf),
    path("plain", plain, name="plain"),
    path("prefixed", prefixed),
    path("interleaved", interleaved),
    path("show-own-message", show_own_message),
    path("enter", enter),
    path("greet", greet),
    path("cookies", set_cookies),
    path("redirect", redirect),
    path("missing", missing),
    path("broken", broken),
    path("broken-async", broken_async),
    path("teapot", teapot),
    path("make-user", make_user),
    path("stream", stream),
    path("stream-async", stream_async),
    path("download", download),
    path("tell", tell),
    path("give-up", give_up),
    path("notice", notice),
    path("wait", wait),
    path("wait-twice", wait_twice),
    path("wait-async", wait_async),
]
