"""A restored request is as the one that came, whatever a view looks at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_script_prefix
from django.utils import timezone, translation

from pushjobs.models import Job
from tests.unit.conftest import Configure
from tests.unit.views.conftest import Browser, run

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"


def upload(content: bytes = b"1,2\n", name: str = "rows ü.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "text/csv")


REQUESTS: dict[str, tuple[str, str, Callable[[], dict[str, Any]]]] = {
    "query": ("GET", "/look?a=1&a=2&b=%C3%BC&c", dict),
    "delete": ("DELETE", "/look", dict),
    "multipart": ("POST", "/look?q=1", lambda: {"data": {"x": ["1", "ü"], "y": ""}}),
    "form": ("POST", "/look", lambda: {"data": "x=1&x=%C3%BC&y", "content_type": FORM}),
    "json": ("POST", "/look", lambda: {"data": '{"a": "ü"}', "content_type": "application/json"}),
    "bytes": ("PUT", "/look", lambda: {"data": b"\x00\xff", "content_type": "image/x-odd"}),
    "files": (
        "POST",
        "/look",
        lambda: {"data": {"f": [upload(), upload(b"", "e")], "g": upload(b"\xff")}},
    ),
    "host": ("GET", "/look", lambda: {"headers": {"host": "shop.example:8080", "user-agent": "a"}}),
    "address": ("GET", "/look", lambda: {"secure": True, "REMOTE_ADDR": "203.0.113.9"}),
    "proxy": ("GET", "/look", lambda: {"headers": {"x-forwarded-proto": "https"}}),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_view_sees_the_request_as_it_was(
    ada: Browser, kind: str, settings: Any, configure: Configure
) -> None:
    configure(INLINE_RESULT=10)  # A larger body goes through the storage.
    settings.ALLOWED_HOSTS = ["shop.example", "testserver"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 3  # One of the files is a temporary one.
    method, path, options = REQUESTS[kind]
    direct = getattr(ada, method.lower())(path, **options())
    assert direct.status_code == 200
    later = ada.answered(path, method, **options())
    assert later.status_code == 200
    assert later.getvalue() == direct.content


def test_urls_are_below_the_prefix_that_the_site_is_mounted_at(ada: Browser) -> None:
    job = ada.deferred("/prefixed", SCRIPT_NAME="/mounted")
    run(job)
    assert ada.fetched(job).content == b"/mounted/plain /mounted/prefixed /prefixed"
    assert get_script_prefix() == "/"


def test_template_context_processors_find_what_they_look_for(ada: Browser) -> None:
    user = get_user_model().objects.get(username="ada")
    user.user_permissions.add(Permission.objects.get(codename="add_user"))
    assert ada.answered("/page").content == b"/page ada True "


def test_csrf_was_checked_when_the_request_came() -> None:
    careful = Browser(enforce_csrf_checks=True)
    token = careful.get("/csrf").content.decode()
    headers = {"prefer": "respond-async"}
    assert careful.post("/look", {"x": "1"}, headers=headers).status_code == 403
    response = careful.answered("/look", "POST", data={"x": "1"}, headers={"x-csrftoken": token})
    assert response.json()["post"] == {"x": ["1"]}


def test_a_form_that_a_view_renders_can_be_sent(ada: Browser) -> None:
    """The CSRF token in the stored page fits the client's own cookie."""
    careful = Browser(enforce_csrf_checks=True)
    careful.get("/csrf")
    token = careful.answered("/csrf").content.decode()
    assert careful.post("/plain", {"csrfmiddlewaretoken": token}).status_code == 200


def test_language_and_time_zone_do_not_leak_into_the_threads_next_job(
    ada: Browser, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.traveller"]
    job = ada.deferred("/look?away=1")
    other = ada.deferred("/look")
    run(job)
    assert (translation.get_language(), timezone.get_current_timezone_name()) == ("en-us", "UTC")
    found = ada.fetched(job).json()
    assert (found["language"], found["time_zone"]) == ("de", "Asia/Tokyo")
    run(other)
    found = ada.fetched(other).json()
    assert (found["language"], found["time_zone"]) == ("en-us", "UTC")


def traveller(get_response: Any) -> Any:
    """Activates for those who are away, and never deactivates."""

    def middleware(request: Any) -> Any:
        if "away" in request.GET and "HTTP_PREFER" in request.META:
            translation.activate("de")
            timezone.activate("Asia/Tokyo")
            try:
                return get_response(request)
            finally:
                translation.deactivate()
                timezone.deactivate()
        return get_response(request)

    return middleware


def test_a_thread_that_begins_in_another_language_ends_in_it(ada: Browser) -> None:
    """As where a job runs inside the request that submits it."""
    job = ada.deferred("/greet")
    with translation.override("fr"), timezone.override("Asia/Tokyo"):
        run(job)
        assert translation.get_language() == "fr"
        assert timezone.get_current_timezone_name() == "Asia/Tokyo"


def test_no_credential_is_kept_in_the_row_or_in_the_storage(
    ada: Browser, configure: Configure, settings: Any
) -> None:
    configure(INLINE_RESULT=10)
    session = ada.cookies["sessionid"].value
    options = {"data": json.dumps({"password": "swordfish"}), "content_type": "application/json"}
    job = ada.deferred("/look", "POST", headers={"authorization": "Basic swordfish"}, **options)
    row = str(Job.objects.filter(pk=job.pk).values().get())
    files = b"".join(path.read_bytes() for path in settings.MEDIA_ROOT.rglob("*/body"))
    assert files
    for secret in ("swordfish", session):
        assert secret not in row
        assert secret.encode() not in files


def test_its_files_are_those_of_the_job(ada: Browser, settings: Any) -> None:
    from pushjobs.uploads import files_of

    job = ada.deferred("/look", "POST", data={"f": [upload(), upload()]})
    assert len(files_of(job)) == 2
    stored = {str(settings.MEDIA_ROOT / key) for key in files_of(job)}
    assert stored == {str(path) for path in settings.MEDIA_ROOT.rglob("*.csv")}


def test_a_get_is_tried_again_and_a_post_is_not(ada: Browser, configure: Configure) -> None:
    configure(MAX_ATTEMPTS=4)
    assert ada.deferred("/look").max_attempts == 4
    assert ada.deferred("/look", "POST").max_attempts == 1


def test_the_job_is_not_submitted_by_its_name(ada: Browser) -> None:
    body = {"name": "pushjobs.view", "args": {"view": "x", "request": "y", "files": []}}
    answer = ada.post("/jobs", body, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (
        404,
        "urn:pushjobs:problem:unknown-job-name",
    )
