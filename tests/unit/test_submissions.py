"""``pushjobs.submissions``: what one turn of a thread must not change."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished, request_started
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import include, path, resolve

from pushjobs import api
from pushjobs.models import Job
from pushjobs.routing import application
from tests.unit.asgi import ECHO, answer_of, connection, submit
from tests.unit.conftest import Configure, Postbox

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorder", "postbox"),
]

Respond = Callable[[HttpRequest], HttpResponseBase]


def marked(get_response: Respond) -> Respond:
    """Middleware that sees a request and its answer."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["X-Seen"] = f"{request.path} {request.headers['X-Mine']}"
        response["X-User"] = str(request.user)
        response.set_cookie("seen", "1")
        return response

    return respond


def streaming(get_response: Respond) -> Respond:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    return lambda _: StreamingHttpResponse(parts())


def failing(get_response: Respond) -> Respond:
    def respond(request: HttpRequest) -> HttpResponseBase:
        raise RuntimeError("a middleware is broken")

    return respond


def with_middleware(settings: Any, middleware: Respond) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{middleware.__name__}"]


async def jobs() -> int:
    return await sync_to_async(Job.objects.count)()


async def test_a_submission_goes_to_a_thread_once(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[Any] = []
    submit_to = ThreadPoolExecutor.submit

    def counted(pool: ThreadPoolExecutor, call: Any, /, *args: Any, **options: Any) -> Any:
        turns.append(call)
        return submit_to(pool, call, *args, **options)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", counted)
    assert (await submit()).status == 202
    assert len(turns) == 1


async def test_the_projects_middleware_sees_request_and_answer(settings: Any) -> None:
    with_middleware(settings, marked)
    answer = await submit(x_mine="yes")
    assert (answer.status, answer.headers["x-seen"]) == (202, "/jobs yes")
    assert answer.headers["x-user"] == "AnonymousUser"
    assert answer.headers["set-cookie"].startswith("seen=1;")
    assert answer.headers["x-frame-options"] == "DENY"


async def test_a_middleware_may_answer_with_a_stream(settings: Any) -> None:
    with_middleware(settings, streaming)
    answer = await submit()
    assert (answer.status, answer.body, await jobs()) == (200, b"onetwo", 0)


@pytest.mark.parametrize("debug", [False, True])
async def test_a_broken_middleware_gives_djangos_own_answer(settings: Any, debug: bool) -> None:
    settings.DEBUG = debug
    with_middleware(settings, failing)
    answer = await submit()
    assert answer.status == 500
    assert (b"a middleware is broken" in answer.body) is debug


async def test_another_host_is_refused() -> None:
    assert (await submit(host="evil.example")).status == 400
    assert await jobs() == 0


async def test_the_signals_of_a_request_are_sent_in_its_thread() -> None:
    threads: list[tuple[str, str]] = []

    def note(signal: Any, **_: Any) -> None:
        kind = "started" if signal is request_started else "finished"
        threads.append((kind, threading.current_thread().name))

    for signal in (request_started, request_finished):
        signal.connect(note)
    try:
        await submit()
    finally:
        for signal in (request_started, request_finished):
            signal.disconnect(note)
    assert [kind for kind, _ in threads] == ["started", "finished"]
    assert len({name for _, name in threads}) == 1
    assert threads[0][1].startswith("pushjobs-submission")


async def test_an_answer_outlives_a_receiver_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("a receiver is broken")

    request_finished.connect(fail)
    try:
        assert (await submit()).status == 202
    finally:
        request_finished.disconnect(fail)
    assert "could not be closed" in caplog.text


async def test_a_client_that_goes_away_while_it_sends_submits_nothing() -> None:
    client = connection("POST", "/jobs", content_type="application/json")
    await client.send_input({"type": "http.request", "body": ECHO, "more_body": True})
    await client.send_input({"type": "http.disconnect"})
    await client.wait(timeout=20)
    assert client.output_queue.empty()
    assert await jobs() == 0


async def test_a_body_over_the_limit_is_refused_and_not_kept_whole(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(MAX_BODY=100, MAX_UPLOAD=1000)
    sizes: list[int] = []
    read = api.requests.submission

    def noted(request: HttpRequest) -> Any:
        sizes.append(len(request.body))
        return read(request)

    monkeypatch.setattr(api.requests, "submission", noted)
    client = connection("POST", "/jobs", content_type="application/json")
    for more in (*[True] * 50, False):
        await client.send_input({"type": "http.request", "body": b"x" * 100, "more_body": more})
    assert (await answer_of(client)).status == 413
    assert sizes == [1100]


async def test_a_request_that_django_cannot_read_is_refused() -> None:
    assert (await submit(query=b"\xff")).status == 400


async def test_what_a_project_does_around_django_is_not_passed_by() -> None:
    calls: list[str] = []

    class Django(ASGIHandler):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            calls.append(scope["path"])
            await super().__call__(scope, receive, send)

    assert (await submit(app=application(Django()))).status == 202
    assert calls == ["/jobs"]


@pytest.mark.parametrize("prefer", ["wait=0", "respond-async"])
async def test_a_preference_is_heeded(prefer: str) -> None:
    answer = await submit(prefer=prefer)
    assert answer.status == 202
    assert ("preference-applied" in answer.headers) is (prefer == "wait=0")


async def test_transactions_of_requests_do_not_hold_a_submission(
    monkeypatch: pytest.MonkeyPatch, postbox: Postbox
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert (await submit()).status == 202
    assert len(postbox.messages) == 1


async def test_a_view_that_a_project_has_wrapped_is_the_one_that_answers(settings: Any) -> None:
    """Even where it looks just like the API's own."""
    view = resolve("/jobs").func
    refusing = wraps(view)(lambda _: HttpResponse(status=418))
    urls = ModuleType("urls_of_a_project")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("jobs", refusing),
        path("", include("pushjobs.urls")),
    ]
    settings.ROOT_URLCONF = urls
    assert (await submit()).status == 418
    assert await jobs() == 0


async def test_a_file_is_kept() -> None:
    fields = [
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\ntest.digest\r\n',
        b'--b\r\nContent-Disposition: form-data; name="data"; filename="a.txt"\r\n\r\n',
        b"content\r\n--b--\r\n",
    ]
    answer = await submit(b"".join(fields), content_type="multipart/form-data; boundary=b")
    assert answer.status == 202, answer.body
    job = await Job.objects.aget(pk=json.loads(answer.body)["id"])
    assert job.args["data"]["size"] == 7
