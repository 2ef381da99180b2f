"""``pushjobs.endpoints.accepted``: any view accepts a job in one line."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from pushjobs import Run, accepted, job, submit
from pushjobs.registry import registry
from pushjobs.testing import run_jobs
from tests.app.jobs import digest, echo
from tests.unit.conftest import Postbox
from tests.unit.recorder import Recorder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


def one_liner(request: HttpRequest) -> HttpResponse:
    return accepted(request, submit(echo, value=3))


def upload(request: HttpRequest) -> HttpResponse:
    if "table" not in request.FILES:
        return HttpResponse("no table", status=400)
    table = request.FILES["table"]
    return accepted(request, submit(digest, data=table, note="map 7", tags=["spring"]))


urlpatterns = [
    path("one-liner", one_liner),
    path("upload", upload),
    path("", include("pushjobs.urls")),
]


def test_any_view_may_accept_a_job_in_one_line(
    client: Client, postbox: Postbox, recorder: Recorder
) -> None:
    answer = client.get("/one-liner")
    assert (answer.status_code, answer["Location"]) == (202, f"/jobs/{answer.json()['id']}")
    own = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert client.get(answer["Location"], headers=own).status_code == 202


def test_any_view_may_check_a_file_and_put_off_its_reading(
    client: Client, media: Path, postbox: Postbox, recorder: Recorder
) -> None:
    assert client.post("/upload").status_code == 400
    answer = client.post("/upload", {"table": SimpleUploadedFile("rows.csv", b"a,b\n")})
    assert (answer.status_code, answer.json()["tags"]) == (202, ["spring"])
    (done,) = run_jobs(check=True)
    assert (done.result["name"], done.result["size"], done.result["note"]) == (
        "rows.csv",
        4,
        "map 7",
    )


class Heavy:
    """A handler that chooses the status code, by its number or by its name."""

    def execute(self, run: Run, options: dict[str, str], status: str) -> tuple[int, Any]:
        chosen = HTTPStatus[status] if status.isalpha() else int(status)
        return chosen, {"message": options["some"], "attempt": run.attempt}


@pytest.mark.parametrize("status", ["CREATED", "201"])
def test_a_class_that_returns_a_status_and_a_body_is_polled_for_that_response(
    client: Client,
    postbox: Postbox,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
) -> None:
    monkeypatch.setattr(registry, "_specs", dict(registry._specs))
    job(Heavy)
    started = accepted(HttpRequest(), submit(Heavy, options={"some": "args"}, status=status))
    body = json.loads(started.content)
    own = {"X-JOB-AUTHORIZATION": body["token"]}
    url = body["links"]["response"]
    assert client.get(url, headers=own).status_code == 202
    run_jobs()
    response = client.get(url, headers=own)
    assert (response.status_code, response.json()) == (201, {"message": "args", "attempt": 1})
