"""A view that ends in an odd way ends its job, once; a redirect leads where it would have led."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import path

from pushjobs.models import Job
from tests.unit.jobs import fresh
from tests.unit.views import private_site
from tests.unit.views.conftest import Browser, run
from tests.unit.views.private_site import ODD_ENDS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_site(settings: Any, _site: None) -> None:
    settings.ROOT_URLCONF = "tests.unit.views.private_site"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["end-oddly", "end-oddly-async"])
@pytest.mark.parametrize("kind", ODD_ENDS)
def test_what_is_no_error_to_django_fails_the_job_at_once(
    ada: Browser, path: str, kind: str, in_thread: Callable[[Callable[[], Any]], Any]
) -> None:
    job = ada.deferred(f"/{path}/{kind}")
    with in_thread(lambda: run(job)):
        pass
    ended = fresh(job)
    assert (ended.status, ended.attempt) == ("failed", 1)
    assert ended.error["detail"] == f"the view raised {kind}"
    assert ada.fetched(ended).status_code == 500


def test_a_response_that_breaks_off_fails_the_job_at_once(ada: Browser) -> None:
    response = ada.answered("/break-off")
    assert (response.job.status, response.job.attempt) == ("failed", 1)
    assert response.status_code == 500
    assert "the other half is gone" in response.job.traceback


@pytest.mark.django_db(transaction=True)
def test_a_view_that_leaves_a_transaction_open_does_not_lose_its_jobs_end(
    ada: Browser, in_thread: Callable[[Callable[[], Any]], Any]
) -> None:
    job = ada.deferred("/leave-transaction")
    with in_thread(lambda: run(job)):
        pass
    assert fresh(job).status == "succeeded"


#: The URLs of a host of its own.
urlpatterns = [path("name", private_site.name)]


def of_its_own(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        request.urlconf = __name__
        return get_response(request)

    return middleware


def test_where_no_url_leads_to_a_job_none_is_made(ada: Browser, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.of_its_own"]
    assert ada.get("/name", headers={"prefer": "respond-async"}).status_code == 500
    assert not Job.objects.exists()
    assert ada.get("/name").content == b"ada"


@pytest.mark.parametrize(
    ("to", "location"),
    [
        ("x", "/a/x"),
        ("?q=//b", "/a/send-on?q=//b"),
        ("../../x", "/x"),
        ("..//evil.example/x", "/evil.example/x"),
        ("//other.example/x", "//other.example/x"),
        ("/%2Fx", "/%2Fx"),
    ],
)
def test_a_redirect_leads_to_no_other_host_than_it_says(
    ada: Browser, to: str, location: str
) -> None:
    assert ada.answered(f"/a/send-on?to={quote(to)}")["Location"] == location
