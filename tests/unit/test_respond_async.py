"""``pushjobs.async_views``: which requests of a view are put off, and what their clients get."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from ninja import NinjaAPI

from pushjobs import respond_async, tokens
from pushjobs.models import Job
from pushjobs.testing import JobClient, run_jobs
from tests.unit.conftest import Configure, Postbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("recorder")]

ASYNC = {"Prefer": "respond-async"}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.unit.deferred_views"


def token_of(answer: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_a_view_answers_itself_unless_its_client_prefers_otherwise(postbox: Postbox) -> None:
    for headers in ({}, {"Prefer": "wait=5"}, {"Prefer": "respond-async=no"}):
        answer = Client().get("/preferred?a=1", headers=headers)
        assert (answer.status_code, answer.json()["query"]) == (203, {"a": "1"})
        operation = Client().get("/api/add?left=2", headers=headers)
        assert (operation.status_code, operation.json()) == (200, {"sum": 3})
        for each in (answer, operation):
            assert "Prefer" in each["Vary"]
            assert "Preference-Applied" not in each
    assert postbox.messages == []


def test_a_request_that_prefers_it_is_accepted_and_says_where_its_response_will_be(
    postbox: Postbox,
) -> None:
    answer = Client().get("/preferred?a=1", headers=ASYNC | {"If-None-Match": 'W/"1-0"'})
    document, job = answer.json(), Job.objects.get()
    assert answer.status_code == 202
    assert [str(job.id)] == [document["id"]] == [job_id for job_id, _ in postbox.messages]
    assert answer["Location"] == f"/jobs/{job.id}/response" == document["links"]["response"]
    assert answer["Link"] == (
        f'</jobs/{job.id}>; rel="monitor", '
        f'</jobs/{job.id}/events>; rel="monitor"; type="text/event-stream"'
    )
    assert answer["Retry-After"] == "1"
    assert answer["Preference-Applied"] == "respond-async"
    assert answer["Cache-Control"] == "no-store"
    assert {"Prefer", "Accept"} <= {name.strip() for name in answer["Vary"].split(",")}
    assert (document["status"], document["cursor"]) == ("queued", "earliest")
    read = Client().get(answer["Location"], headers=token_of(answer))
    assert (read.status_code, read.json()["id"]) == (202, document["id"])


@pytest.mark.parametrize(
    ("path", "method", "accepted"),
    [
        ("/always", "get", True),
        ("/always", "post", True),
        ("/always", "head", True),
        ("/always", "options", False),
        ("/sometimes?slow=1", "get", True),
        ("/sometimes", "get", False),
        ("/methods", "get", False),
        ("/methods", "post", True),
        ("/methods", "put", True),
        ("/whole", "options", False),
    ],
)
@pytest.mark.usefixtures("postbox")
def test_a_view_says_which_of_its_requests_become_jobs(
    path: str, method: str, accepted: bool
) -> None:
    answer = getattr(Client(), method)(path)
    assert (answer.status_code == 202) is accepted
    assert Job.objects.count() == accepted


KINDS = [
    ("/preferred?a=1", "/plain?a=1"),
    ("/always?a=1", "/plain?a=1"),
    ("/async?a=1", "/plain?a=1"),
    ("/dispatched/7", None),
    ("/async-dispatched?a=1", "/plain?a=1"),
    ("/whole?a=1", "/plain?a=1"),
    ("/async-whole?a=1", "/plain?a=1"),
    ("/async-methods?a=1", "/plain?a=1"),
    ("/api/add?left=2&right=3", None),
    ("/api/add-async?left=2&right=3", None),
]
BODIES = {
    "/dispatched/7": {"method": "GET", "query": {}, "pk": 7},
    "/api/add?left=2&right=3": {"sum": 5},
    "/api/add-async?left=2&right=3": {"sum": 5},
}


@pytest.mark.parametrize(("path", "same_as"), KINDS)
@pytest.mark.usefixtures("postbox")
def test_every_kind_of_view_can_be_put_off(path: str, same_as: str | None) -> None:
    client = JobClient()
    accepted = client.get(path, headers=ASYNC)
    assert accepted.status_code == 202
    response = client.get(accepted["Location"], headers=token_of(accepted))
    assert response.status_code == 202
    client.follow(accepted)
    response = client.get(accepted["Location"], headers=token_of(accepted))
    if same_as is not None:
        direct = client.get(same_as)
        assert (response.status_code, response["X-Kind"]) == (direct.status_code, direct["X-Kind"])
        assert response.content == direct.content
    else:
        assert response.json() == BODIES[path]


@pytest.mark.parametrize("path", ["/preferred?a=1", "/async?a=1", "/async-dispatched?a=1"])
@pytest.mark.usefixtures("postbox")
async def test_under_asgi_it_is_the_same(path: str) -> None:
    answer = await AsyncClient().get(path, headers=ASYNC)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")


def test_a_browser_is_sent_to_the_page_that_waits_with_a_cookie_for_that_job_alone(
    postbox: Postbox,
) -> None:
    client = Client()
    answer = client.post("/always", headers=HTML)
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/{job.id}/response")
    cookie = answer.cookies["pushjobs_token"]
    assert (cookie["path"], cookie["samesite"]) == (f"/jobs/{job.id}", "Lax")
    assert (cookie["httponly"], cookie["secure"]) == (True, "")
    assert client.get(answer["Location"], headers=HTML).status_code == 202
    assert Client().get(answer["Location"], headers=HTML).status_code == 401
    secure = Client().post("/always", headers=HTML, secure=True)
    assert secure.cookies["pushjobs_token"]["secure"] is True
    client.post("/always", headers=HTML)  # Its cookie takes the place of the one before here.
    assert client.get(answer["Location"], headers=HTML).status_code == 401


@pytest.mark.usefixtures("postbox")
def test_a_logged_in_browser_needs_no_other_cookie() -> None:
    client = Client()
    client.force_login(get_user_model().objects.create(username="ada"))
    answer = client.get("/mine", headers=HTML)
    assert answer.status_code == 303
    assert "pushjobs_token" not in answer.cookies
    assert client.get(answer["Location"], headers=HTML).status_code == 202


@pytest.mark.usefixtures("postbox")
@pytest.mark.parametrize("path", ["/always?a=1", "/async?a=1", "/dispatched/7"])
def test_head_is_put_off_and_answered_as_the_view_would(path: str) -> None:
    client = JobClient()
    accepted = client.head(path, headers=ASYNC)
    assert (accepted.status_code, accepted.content) == (202, b"")
    token = {"Authorization": f"Bearer {tokens.for_job(Job.objects.get().id)}"}
    assert client.head(accepted["Location"], headers=token).status_code == 202
    run_jobs()
    answer = client.head(accepted["Location"], headers=token)
    assert (answer.status_code, answer["X-Kind"], answer.content) == (203, "echo", b"")
    whole = client.get(accepted["Location"], headers=token)
    assert whole.json()["method"] == "HEAD"
    assert answer["Content-Length"] == whole["Content-Length"]


@pytest.mark.usefixtures("postbox")
@pytest.mark.parametrize(
    ("to", "location"),
    [
        ("there", "/moved/there"),
        ("?page=2", "/moved/here?page=2"),
        ("/there?x=1", "/there?x=1"),
        ("https://example.org/a?b", "https://example.org/a?b"),
    ],
)
def test_a_redirect_leads_where_it_would_from_the_views_own_url(to: str, location: str) -> None:
    client = JobClient()
    answer = client.follow(client.get("/moved/here", {"to": to}))
    assert (answer.status_code, answer["Location"]) == (302, location)


def test_what_cannot_be_accepted_is_a_problem_and_no_job(
    configure: Configure, postbox: Postbox
) -> None:
    configure(MAX_BODY=10)
    answer = Client().post("/always", b"x" * 11, content_type="text/plain")
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
    configure(MAX_BODY=1000, ADDRESS_SUBMISSIONS="1/hour")
    assert Client().get("/always", REMOTE_ADDR="192.0.2.7").status_code == 202
    assert Client().get("/always", REMOTE_ADDR="192.0.2.7").status_code == 429
    configure(ADDRESS_SUBMISSIONS="", ENQUEUE_FALLBACK="reject")
    postbox.down = True
    answer = Client().get("/always")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert Job.objects.count() == 1


@pytest.mark.usefixtures("postbox")
def test_a_views_transaction_is_around_the_view_and_not_around_its_submission(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    users = get_user_model().objects.filter(username="written")
    client = JobClient(raise_request_exception=False)
    assert client.get("/writes-and-fails").status_code == 500
    assert not users.exists()
    accepted = client.get("/writes-and-fails", headers=ASYNC)
    assert accepted.status_code == 202
    assert client.follow(accepted).status_code == 500
    assert not users.exists()
    assert client.get("/non-atomic").json() == {"atomic": False}
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", False)
    assert client.get("/writes-and-fails").status_code == 500
    assert users.exists()


def test_options_that_make_no_sense_are_refused_where_they_are_written() -> None:
    async def never(request: HttpRequest) -> bool:
        return False

    for options in (
        {"when": "never"},
        {"after": 0},
        {"keep": -1},
        {"max_attempts": 0},
        {"time_limit": -3},
        {"retention": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            respond_async(**options)
    for options in ({"when": never}, {"coalesce": never}):
        with pytest.raises(TypeError, match="coroutine"):
            respond_async(**options)


def test_a_decorator_that_would_do_nothing_is_refused() -> None:
    @NinjaAPI(urls_namespace="refused").get("/late")
    def late(request: HttpRequest) -> None: ...

    with pytest.raises(TypeError, match="below"):
        respond_async(late)
    with pytest.raises(TypeError, match="first argument is the request"):
        respond_async(lambda number: number)(3)


def test_a_wrapped_view_is_still_its_view() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        """Says so."""
        return HttpResponse()

    wrapped = respond_async(view)
    assert (wrapped.__name__, wrapped.__doc__) == ("view", "Says so.")
    assert asyncio.iscoroutinefunction(wrapped)
