"""Requests that are the same: ``coalesce``, ``keep`` and ``Idempotency-Key``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from pushjobs import duplicates, lifecycle
from pushjobs.models import Job
from pushjobs.testing import JobClient, run_jobs
from tests.unit.conftest import Postbox
from tests.unit.jobs import fresh

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorder", "postbox"),
]

KEY = {"Idempotency-Key": "a-key-that-is-hard-to-guess"}


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.unit.deferred_views"


def user(name: str) -> JobClient:
    client = JobClient()
    client.force_login(get_user_model().objects.get_or_create(username=name)[0])
    return client


def job_of(answer: Any) -> str:
    assert answer.status_code == 202
    return str(answer.json()["id"])


def bearer(answer: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_an_identical_request_joins_the_job_under_way(postbox: Postbox) -> None:
    ada = user("ada")
    first = job_of(ada.get("/shared?filter=1"))
    assert job_of(ada.get("/shared?filter=1")) == first
    assert [job_id for job_id, _ in postbox.messages] == [first]
    run_jobs()
    assert job_of(ada.get("/shared?filter=1")) != first


@pytest.mark.parametrize(
    "different",
    [
        {"path": "/shared?filter=2"},
        {"path": "/shared?filter=1", "headers": {"Accept-Language": "nb"}},
        {"path": "/shared?filter=1", "headers": {"Accept": "text/csv"}},
    ],
)
def test_a_request_that_differs_is_another_job(different: Any) -> None:
    ada = user("ada")
    assert job_of(ada.get("/shared?filter=1")) != job_of(ada.get(**different))


def test_a_body_or_a_method_that_differs_is_another_job() -> None:
    ada = user("ada")
    jobs = {
        job_of(ada.post("/shared", body, content_type="text/plain")) for body in (b"1", b"2", b"2")
    }
    assert len(jobs | {job_of(ada.get("/shared"))}) == 3


def test_users_and_strangers_share_nothing_unless_the_project_says_so() -> None:
    ada, eve = user("ada"), user("eve")
    assert job_of(ada.get("/shared")) != job_of(eve.get("/shared"))
    assert job_of(Client().get("/shared")) != job_of(Client().get("/shared"))
    assert job_of(ada.get("/shared-by-all?n=1")) == job_of(ada.get("/shared-by-all?n=2"))
    assert job_of(ada.get("/shared-by-all")) != job_of(eve.get("/shared-by-all"))


def test_a_stranger_who_joins_anothers_job_may_not_cancel_it() -> None:
    first, joined = Client().get("/shared-by-all"), Client().get("/shared-by-all")
    assert job_of(first) == job_of(joined)
    path = f"/jobs/{job_of(first)}"
    assert Client().get(path, headers=bearer(joined)).status_code == 202
    assert Client().post(path + "/cancel", headers=bearer(joined)).status_code == 404
    assert Client().post(path + "/cancel", headers=bearer(first)).status_code == 200


def test_no_one_joins_a_job_that_was_told_to_stop() -> None:
    ada = user("ada")
    first = ada.get("/shared")
    job = Job.objects.get()
    assert lifecycle.start(job, "w")
    assert not lifecycle.cancel(job)
    assert job_of(ada.get("/shared")) != job_of(first)


def test_of_two_requests_at_the_same_moment_one_makes_the_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = user("ada")
    first = job_of(ada.get("/shared"))
    looks, joinable = [], duplicates.joinable

    def too_early(job: Job, keep: float | None = None) -> Job | None:
        looks.append(job.pk)
        return None if len(looks) == 1 else joinable(job, keep)

    monkeypatch.setattr(duplicates, "joinable", too_early)
    assert job_of(ada.get("/shared")) == first
    assert (len(looks), Job.objects.count()) == (2, 1)


def test_a_job_that_ends_between_two_looks_stands_in_no_ones_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = user("ada")
    first = job_of(ada.get("/shared"))
    looks = []

    def while_it_ends(job: Job, keep: float | None = None) -> None:
        looks.append(job.pk)
        if len(looks) == 2:
            lifecycle.cancelled(Job.objects.get(pk=first))

    monkeypatch.setattr(duplicates, "joinable", while_it_ends)
    assert job_of(ada.get("/shared")) != first


def test_a_kept_response_is_the_answer_until_it_is_too_old() -> None:
    ada = user("ada")
    first = Job.objects.get(pk=job_of(ada.get("/kept?a=1")))
    run_jobs()
    for _ in range(2):
        answer = ada.get("/kept?a=1")
        assert (answer.status_code, answer["X-Kind"]) == (203, "echo")
    assert job_of(ada.get("/kept?a=2")) != str(first.id)
    Job.objects.update(finished_at=timezone.now() - timedelta(seconds=61))
    assert job_of(ada.get("/kept?a=1")) != str(first.id)


def test_a_job_that_failed_is_not_kept() -> None:
    ada = user("ada")
    first = job_of(ada.get("/kept"))
    job = Job.objects.get()
    assert lifecycle.start(job, "w")
    assert lifecycle.fail(job, {"status": 500}, retry=False)
    assert job_of(ada.get("/kept")) != first


def test_the_same_key_gives_the_same_job() -> None:
    first = Client().post("/always", b"1", content_type="text/plain", headers=KEY)
    again = Client().post("/always", b"1", content_type="text/plain", headers=KEY)
    assert "Idempotent-Replayed" not in first
    assert (job_of(again), again["Idempotent-Replayed"]) == (job_of(first), "true")
    assert Client().get(again["Location"], headers=bearer(again)).status_code == 202
    assert Job.objects.count() == 1


def test_the_same_key_for_another_request_is_refused() -> None:
    job_of(Client().post("/always", b"1", content_type="text/plain", headers=KEY))
    for method, path, body in (("post", "/always", b"2"), ("post", "/async", b"1")):
        answer = getattr(Client(), method)(path, body, content_type="text/plain", headers=KEY)
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:pushjobs:problem:idempotency-mismatch"
    short = Client().post("/always", headers={"Idempotency-Key": "short"})
    assert short.status_code == 400


def test_a_request_that_became_a_job_is_not_repeated_from_what_was_kept() -> None:
    """It was sealed for that job alone."""
    answer = Client().get("/always")
    assert lifecycle.cancelled(Job.objects.get())
    again = Client().post(f"/jobs/{job_of(answer)}/retry", headers=bearer(answer))
    assert (again.status_code, again.json()["title"][:9]) == (409, "The job's")
    assert fresh(Job.objects.get()).status == "cancelled"
