"""``pushjobs.endpoints``: one URL that starts a job and answers its polls."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import include, path

from pushjobs import AsyncEndpoint, lifecycle, submit, tokens
from pushjobs.lifecycle import error_of
from pushjobs.models import Job
from pushjobs.results import store
from pushjobs.testing import run_jobs
from tests.app.jobs import add, echo
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import make
from tests.unit.recorder import Recorder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


class Sum(AsyncEndpoint):
    """Renders with the polling request's own user."""

    job = add

    def arguments(self, request: HttpRequest, left: int) -> dict[str, Any]:
        return {"left": left, "right": int(request.GET["right"])}

    def render_done(self, request: HttpRequest, job: Job) -> Any:
        return {"sum": job.result, "for": request.user.get_username()}

    def render_failed(self, request: HttpRequest, job: Job) -> Any:
        return {"error_message": job.error and job.error["detail"]}


class Unrendered(AsyncEndpoint):
    job = "test.echo"

    async def arguments(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {"value": request.GET.get("value")}


class Tagged(AsyncEndpoint):
    job = echo

    def submit(self, request: HttpRequest, **kwargs: Any) -> Job:
        return submit(echo, value=7, tags=["of-the-endpoint"])

    async def render_done(self, request: HttpRequest, job: Job) -> Any:
        return HTTPStatus.CREATED, {"value": job.result}


class Astray(AsyncEndpoint):
    job = echo

    def submit(self, request: HttpRequest, **kwargs: Any) -> Job:
        return submit(add, left=1)


urlpatterns = [
    path("sum/<int:left>", Sum.as_view()),
    path("plain", Unrendered.as_view()),
    path("tagged", Tagged.as_view()),
    path("astray", Astray.as_view()),
    path("", include("pushjobs.urls")),
]


@pytest.fixture
def ann(client: Client) -> Any:
    user = get_user_model().objects.create(username="ann")
    client.force_login(user)
    return user


def ended(answer: Any) -> Job:
    """The job of an answer, claimed so that a test can end it."""
    job = Job.objects.get(pk=answer.json()["id"])
    assert lifecycle.start(job, "w")
    return job


def succeed(job: Job, value: Any) -> None:
    assert lifecycle.succeed(job, store(job, value))


def test_one_url_starts_a_job_and_answers_its_polls(
    client: Client, ann: Any, postbox: Postbox, recorder: Recorder
) -> None:
    started = client.get("/sum/2?right=3")
    assert started.status_code == 202
    assert started.json()["token"]
    assert started["Retry-After"] == "1"
    location = started["Location"]
    assert location == f"/sum/2?right=3&job={started.json()['id']}"
    assert client.get(location).status_code == 202
    job = ended(started)
    assert (job.owner_id, job.args) == (ann.pk, {"left": 2, "right": 3})
    succeed(job, 5)
    done = client.get(location)
    assert (done.status_code, done.json()) == (200, {"sum": 5, "for": "ann"})
    assert Job.objects.count() == 1


def test_a_failed_job_is_polled_as_failed_and_rendered_by_the_endpoint(
    client: Client, ann: Any, postbox: Postbox, recorder: Recorder
) -> None:
    started = client.get("/sum/2?right=3")
    error = error_of("job-failed", "The job failed", 409, detail="out of stock")
    assert lifecycle.fail(ended(started), error, retry=False)
    answer = client.get(started["Location"])
    assert (answer.status_code, answer.json()) == (409, {"error_message": "out of stock"})


def test_polls_are_answered_by_the_jobs_token_without_a_session(
    client: Client, postbox: Postbox, recorder: Recorder
) -> None:
    started = client.post("/plain?value=x")
    assert client.get(started["Location"]).status_code == 401
    own = {"X-JOB-AUTHORIZATION": f"Bearer {started.json()['token']}"}
    polled = client.get(started["Location"], headers=own)
    assert (polled.status_code, polled.json()["status"]) == (202, "queued")
    succeed(ended(started), "x")
    done = client.get(started["Location"], headers=own)
    assert (done.status_code, done.content, done["Content-Type"]) == (
        200,
        b"x",
        "text/plain; charset=utf-8",
    )


def test_a_submission_and_renderings_of_ones_own_may_be_either_kind(
    client: Client, postbox: Postbox, recorder: Recorder
) -> None:
    started = client.post("/tagged")
    own = {"Authorization": f"Bearer {started.json()['token']}"}
    assert started.json()["tags"] == ["of-the-endpoint"]
    succeed(ended(started), 7)
    done = client.get(started["Location"], headers=own)
    assert (done.status_code, done.json()) == (201, {"value": 7})


async def test_a_request_that_waits_is_answered_with_the_end(configure: Configure) -> None:
    configure(EAGER=True)
    answer = await AsyncClient().get("/plain?value=now", headers={"Prefer": "wait=5"})
    assert (answer.status_code, answer.content) == (200, b"now")


def test_who_waits_learns_of_the_end_as_it_comes(
    client: Client, ann: Any, postbox: Postbox, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = client.get("/sum/2?right=3")["Location"]
    brief = client.get(location, headers={"Prefer": "wait=0"})
    assert (brief.status_code, brief["Preference-Applied"]) == (202, "wait=0")

    async def ends(caller: Any, job: Job, timeout: float) -> tuple[Job, bool]:
        await sync_to_async(run_jobs)()
        return await Job.objects.aget(pk=job.pk), timeout == 5

    for module in ("endpoints", "jobreading"):
        monkeypatch.setattr(f"pushjobs.{module}.wait_until_over", ends)
    for url in (location, "/sum/2?right=3"):
        done = client.get(url, headers={"Prefer": "wait=5"})
        assert (done.status_code, done.json()["sum"]) == (200, 5)
        assert done["Preference-Applied"] == "wait=5"
        assert {"Authorization", "Cookie", "Prefer"} <= set(done["Vary"].split(", "))


def test_a_new_job_is_told_to_a_client_that_knows_another(
    client: Client, postbox: Postbox, recorder: Recorder
) -> None:
    first = client.get("/plain")
    again = client.get("/plain", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again["Cache-Control"]) == (202, "no-store")
    assert again.json()["id"] != first.json()["id"]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_large_result_is_streamed_as_the_server_can(
    kind: Any, configure: Configure, media: Path, postbox: Postbox, recorder: Recorder
) -> None:
    configure(INLINE_RESULT=10)
    client = kind() if kind is AsyncClient else SimpleNamespace(get=sync_to_async(kind().get))
    started = await client.get("/plain?value=" + 20 * "x")
    await sync_to_async(run_jobs)()
    own = {"Authorization": f"Bearer {started.json()['token']}"}
    done = await client.get(started["Location"], headers=own)
    assert (done.streaming, done.is_async) == (True, kind is AsyncClient)
    assert done["Cache-Control"] == "private, no-cache"
    body = [part async for part in done] if done.is_async else await sync_to_async(list)(done)
    assert b"".join(body) == 20 * b"x"


async def test_a_job_that_is_removed_while_it_is_read_is_gone(
    postbox: Postbox, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = await AsyncClient().get("/plain")
    ended = Job(id=started.json()["id"], name="test.echo", status="succeeded")

    async def read(*args: Any) -> tuple[Job, dict[str, Any]]:
        await Job.objects.all().adelete()
        return ended, {}

    monkeypatch.setattr("pushjobs.endpoints.read_job", read)
    assert (await AsyncClient().get(started["Location"])).status_code == 410


def test_an_endpoint_answers_for_no_job_but_its_own(
    client: Client, ann: Any, postbox: Postbox, recorder: Recorder
) -> None:
    foreign = make("succeeded", name="test.echo", owner=ann)
    anothers = make("succeeded", name="test.add")
    for job_id in (foreign.id, anothers.id, uuid4(), "no-id"):
        assert client.get(f"/sum/1?right=1&job={job_id}").status_code == 404, job_id
    gone = uuid4()
    own = {"Authorization": f"Bearer {tokens.for_job(gone)}"}
    assert client.get(f"/sum/1?job={gone}", headers=own).status_code == 410
    cancelled = make("cancelled", name="test.add", owner=ann)
    assert client.get(f"/sum/1?job={cancelled.id}").status_code == 410


def test_arguments_that_do_not_fit_are_a_problem_and_no_job(client: Client, ann: Any) -> None:
    refused = client.get("/sum/1?right=-1")
    assert (refused.status_code, refused["Content-Type"]) == (422, "application/problem+json")
    assert refused.json()["errors"][0]["loc"] == ["args", "right"]
    assert Job.objects.count() == 0


def test_a_session_needs_its_csrf_token_to_post(ann: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    assert client.post("/sum/1?right=1").status_code == 403
    assert Job.objects.count() == 0


def test_an_endpoint_without_a_job_or_with_another_is_a_mistake(
    client: Client, postbox: Postbox, recorder: Recorder
) -> None:
    with pytest.raises(ImproperlyConfigured, match="names no job"):
        AsyncEndpoint.as_view()
    with pytest.raises(ImproperlyConfigured, match=r"gave a job 'test\.add'"):
        client.post("/astray")


def test_an_idempotency_key_gives_the_same_job_again(
    client: Client, ann: Any, postbox: Postbox, recorder: Recorder
) -> None:
    answers = [client.get("/sum/2?right=3", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = client.get("/sum/2?right=4", headers={"Idempotency-Key": "k"})
    assert other.status_code == 422
