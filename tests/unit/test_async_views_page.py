"""``docs/async-views.md``: its code does what the page says of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import clear_url_caches

from pushjobs.models import Job
from pushjobs.testing import JobClient, record_events
from tests.acceptance.tutorial import File, read
from tests.unit.conftest import Configure

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "async-views.md"
SHOP = {step.path: step.text for step in read(PAGE.read_text()) if isinstance(step, File)}
URLS = """
from django.http import HttpResponse
from django.urls import include, path
from pushjobs import respond_async
from shop import api, views

@respond_async
def whose(request):
    return HttpResponse(request.tenant)

urlpatterns = [
    path("", include("pushjobs.urls")),
    path("totals", views.totals),
    path("history", views.history),
    path("report", views.report),
    path("export", views.Export.as_view()),
    path("whose", whose),
    path("api/", api.api.urls),
    path("orders", api.Orders.as_view()),
]
"""
LATER = {"Prefer": "respond-async"}


@pytest.fixture(autouse=True)
def _shop(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project of the page's files."""
    (tmp_path / "shop").mkdir()
    for path, text in (SHOP | {"shop/__init__.py": "", "shop/urls.py": URLS}).items():
        (tmp_path / path).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.ROOT_URLCONF = "shop.urls"
    clear_url_caches()
    yield
    clear_url_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.fixture
def ada() -> JobClient:
    client = JobClient()
    client.force_login(get_user_model().objects.create_user("ada", password="secret"))
    return client


def test_all_code_of_the_page_is_run_here() -> None:
    assert PAGE.read_text().count("```python") == len(SHOP)
    assert set(SHOP) == {"shop/views.py", "shop/tenants.py", "shop/api.py"}


@pytest.mark.parametrize(
    ("path", "headers", "later", "content"),
    [
        ("/totals?year=2026", {}, False, b'"year": "2026"'),
        ("/totals?year=2026", LATER, True, b'"year": "2026"'),
        ("/history?years=5", LATER, False, b'"years": "5"'),
        ("/history?years=6", {}, True, b'"years": "6"'),
        ("/report", {}, True, b"Ready"),
    ],
)
def test_a_view_says_when(
    ada: JobClient, path: str, headers: Any, later: bool, content: bytes
) -> None:
    answer = ada.get(path, headers=headers)
    assert Job.objects.count() == later
    response = ada.follow(answer)
    assert (response.status_code, content in response.content) == (200, True)


def test_a_response_is_kept_for_its_user(ada: JobClient) -> None:
    first = ada.follow(ada.get("/report"))
    again = ada.get("/report")
    assert (again.status_code, again.content) == (200, first.content)
    assert Job.objects.count() == 1


def test_a_view_tells_how_far_it_is(ada: JobClient) -> None:
    accepted = ada.post("/export")
    with record_events() as events:
        response = ada.follow(accepted)
    job = Job.objects.get()
    assert (response.status_code, response["Content-Type"]) == (201, "text/csv")
    assert (job.max_attempts, events.output(job)) == (3, "all lines written\n")
    assert "job.progress" in events.types(job)


def test_a_context_is_carried_without_the_key_that_it_comes_from(
    configure: Configure, settings: Any
) -> None:
    configure(CONTEXTS=["shop.tenants.TenantContext"])
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "shop.tenants.TenantMiddleware"]
    client = JobClient()
    key = {"X-Api-Key": "key-of-the-north"}
    accepted = client.get("/whose", headers=LATER | key)
    assert client.follow(accepted).content == b"north"


@pytest.mark.usefixtures("ada")
def test_a_framework_finds_whose_request_it_is() -> None:
    client = JobClient()
    bearer = LATER | {"Authorization": "Bearer ada"}
    accepted = client.get("/api/stock?shelf=7", headers=bearer)
    assert client.follow(accepted).json() == {"shelf": 7, "user": "ada"}
    basic = LATER | {"Authorization": "Basic YWRhOnNlY3JldA=="}
    accepted = client.post("/orders", {"sku": 1}, "application/json", headers=basic)
    assert client.follow(accepted).json() == {"user": "ada", "order": {"sku": 1}}
    assert client.get("/api/stock?shelf=7", headers=LATER).status_code == 401
    assert client.post("/orders", headers=LATER).status_code == 401
