"""``JobClient`` and ``AsyncJobClient`` follow an answer to the response that its job gives."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.test import TestCase, TransactionTestCase, override_settings
from django.urls import path, reverse
from django.utils import timezone

from pushjobs import submit
from pushjobs.async_views import respond_async
from pushjobs.models import Job
from pushjobs.testing import AsyncJobClient, JobClient, JobTestMixin
from tests.urls import urlpatterns as project_urlpatterns


def report(request: HttpRequest) -> HttpResponse:
    """Submits a job for the user, and sends a browser to its response."""
    job = submit("test.result", kind="http", owner=request.user)
    return HttpResponseRedirect(reverse("pushjobs:response", args=[job.id]), status=303)


def endpoint(request: HttpRequest) -> HttpResponse:
    """Answers its own polls: with the language of the request that started the job."""
    if "job" not in request.GET:
        job = submit("test.echo")
        return HttpResponse(status=202, headers={"Location": f"{request.path}?job={job.id}"})
    job = Job.objects.get(pk=request.GET["job"])
    asked = {name: request.headers.get(name) for name in ("Accept-Language", "Host")}
    return JsonResponse({"secure": request.is_secure(), **asked}, status=200 if job.over else 202)


def elsewhere(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/other/page", status=303)


@respond_async(when="always")
def greet(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello, {request.GET['name']}!", status=int(request.GET["status"]))


urlpatterns = [
    path("greet", greet),
    path("report", report),
    path("endpoint", endpoint),
    path("elsewhere", elsewhere),
    *project_urlpatterns,
]


class Following(JobTestMixin):
    """Run in a transaction that is rolled back, and in none."""

    client: JobClient
    async_client: AsyncJobClient

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(override_settings(ROOT_URLCONF=__name__))

    def post(self, name: str, **body: Any) -> Any:
        body = {"name": name, **body}
        return self.client.post("/jobs", json.dumps(body), content_type="application/json")

    def test_what_a_view_raises_is_raised_here_as_without_a_job(self) -> None:
        answer = self.client.get("/greet?name=Ada&status=odd")
        with self.assertRaisesMessage(ValueError, "'odd'"):
            self.client.follow(answer)
        answer = self.client.get("/greet?name=Ada&status=strange")
        self.client.raise_request_exception = False
        assert self.client.follow(answer).status_code == 500

    async def test_what_a_view_raises_is_raised_by_the_asynchronous_client(self) -> None:
        answer = await self.async_client.get("/greet?name=Ada&status=odd")
        with self.assertRaisesMessage(ValueError, "'odd'"):
            await self.async_client.follow(answer)

    def test_an_accepted_job_is_followed_by_its_token_to_what_it_returns(self) -> None:
        answer = self.post("test.flaky", args={"good_on": 2})
        assert answer.status_code == 202
        assert [job.status for job in self.jobs] == ["queued"]
        final = self.client.follow(answer)
        assert (final.status_code, final.json()) == (200, 2)
        assert self.events.types(self.jobs[0])[-1] == "job.succeeded"

    def test_a_browser_is_followed_in_its_session_to_the_whole_response(self) -> None:
        self.client.force_login(get_user_model().objects.create(username="ann"))
        final = self.client.follow(self.client.get("/report"))
        assert (final.status_code, final.content) == (203, b"<p>hi</p>")
        assert (final["X-Made-By"], final.cookies["flavour"].value) == ("job", "oat")

    def test_an_asynchronous_view_is_followed_to_its_response(self) -> None:
        for accept, status in (("application/json", 202), ("text/html", 303)):
            for own in (203, 202):  # The latter looks like an answer that says to wait.
                url = f"/greet?name=Ann&status={own}"
                answer = self.client.get(url, headers={"Accept": accept})
                assert answer.status_code == status
                final = self.client.follow(answer)
                assert (final.status_code, final.content) == (own, b"Hello, Ann!")

    def test_later_requests_are_as_the_first(self) -> None:
        headers = {"Accept-Language": "de", "Host": "testserver"}
        answer = self.client.get("/endpoint", secure=True, headers=headers)
        assert self.client.follow(answer).json() == {"secure": True, **headers}

    def test_a_failed_job_gives_its_problem(self) -> None:
        final = self.client.follow(self.post("test.refuse"))
        assert (final.status_code, final.json()["detail"]) == (409, "no more seats")

    def test_an_answer_that_leads_to_no_job_is_given_back(self) -> None:
        for answer in (
            self.client.get("/jobs/openapi.json"),
            self.client.get("/elsewhere"),
            self.post("no.such.job"),
        ):
            assert self.client.follow(answer) is answer

    def test_a_job_that_is_not_due_is_no_endless_wait(self) -> None:
        tomorrow = timezone.now() + timedelta(days=1)
        answer = self.post("test.echo", args={"value": 7}, run_at=tomorrow.isoformat())
        with pytest.raises(AssertionError, match=r"test\.echo is scheduled for"):
            self.client.follow(answer)
        assert self.client.follow(answer, until=tomorrow).json() == 7

    async def test_an_asynchronous_client_follows_as_well(self) -> None:
        body = {"name": "test.echo", "args": {"value": [1]}}
        post = self.async_client.post
        answers = await asyncio.gather(
            *(post("/jobs", body, content_type="application/json") for _ in range(2))
        )
        for answer in answers:
            final = await self.async_client.follow(answer)
            assert (final.status_code, final.json()) == (200, [1])
        assert await sync_to_async(len)(self.jobs) == 2


class InATransaction(Following, TestCase):
    pass


class InNone(Following, TransactionTestCase):
    pass


class Eagerly(JobTestMixin, TestCase):
    eager = True

    def test_a_job_has_run_when_the_answer_comes(self) -> None:
        body = {"name": "test.echo", "args": {"value": 2}}
        answer = self.client.post("/jobs", body, content_type="application/json")
        assert answer.json()["status"] == "succeeded"
        job = submit("test.echo", value=1)
        assert self.events.types(job)[-1] == "job.succeeded"
        assert (len(self.jobs), self.run_jobs()) == (0, [])
