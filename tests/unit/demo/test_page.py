"""``project.demo.page``: what the page's server does, for a visitor with its script or without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from project.demo import page
from pushjobs.models import Job
from tests.unit.conftest import Configure, Postbox

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = b"city,people\nOslo,717710\n"


@pytest.fixture
def visitor(postbox: Postbox, media: Path) -> Client:
    return Client(enforce_csrf_checks=True)


def token(visitor: Client) -> dict[str, str]:
    """What the page's script sends with what changes something."""
    visitor.get("/")
    return {"X-CSRFToken": visitor.cookies["csrftoken"].value}


def start(visitor: Client, kind: str, **fields: Any) -> Any:
    return visitor.post(f"/demo/start/{kind}", fields, headers=token(visitor))


def test_a_look_at_the_page_leaves_no_trace(visitor: Client) -> None:
    answer = visitor.get("/")
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"] == "default-src 'self'"
    assert "Cookie" in answer["Vary"]
    assert "Nothing yet" in answer.text
    assert visitor.head("/").status_code == 200
    assert not get_user_model().objects.exists()
    assert not Session.objects.exists()


def test_a_page_has_nothing_inline(visitor: Client) -> None:
    text = visitor.get("/").text
    assert "<style" not in text
    assert " style=" not in text
    assert text.count("<script") == text.count('<script type="module" src=')


def test_a_page_without_its_script_says_how_to_build_it(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "BUNDLE", "pushjobs/nowhere.js")
    text = visitor.get("/").text
    assert "make bundle" in text
    assert "<script" not in text
    monkeypatch.setattr(page, "BUNDLE", "demo/page.js")
    text = visitor.get("/").text
    assert "make bundle" not in text
    assert "demo/page.js" in text


def test_a_guest_is_made_once(visitor: Client) -> None:
    assert visitor.post("/demo/guest").status_code == 403, "no CSRF token"
    assert visitor.post("/demo/guest", headers=token(visitor)).status_code == 204
    assert visitor.post("/demo/guest", headers=token(visitor)).status_code == 204
    guest = get_user_model().objects.get()
    assert guest.username.startswith("guest-")
    assert not guest.has_usable_password()
    assert (guest.is_staff, guest.is_superuser) == (False, False)
    assert visitor.get("/demo/guest").status_code == 405


def test_guests_are_counted_as_submissions_are(visitor: Client, configure: Configure) -> None:
    configure(ADDRESS_SUBMISSIONS="1/day")
    others = Client(enforce_csrf_checks=True)
    assert visitor.post("/demo/guest", headers=token(visitor)).status_code == 204
    refused = others.post("/demo/guest", headers=token(others))
    assert refused.status_code == 429
    assert start(others, "text", text="Hello", delay="0").status_code == 429
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "fields", "name"),
    [
        ("table", {"table": SimpleUploadedFile("cities.csv", TABLE)}, "demo.profile_csv"),
        ("table", {"use_sample": "1"}, "demo.profile_csv"),
        ("video", {"video": SimpleUploadedFile("clip.mp4", b"not one")}, "demo.compress_video"),
        ("text", {"text": " Hello ", "delay": "0.5"}, "demo.narrate"),
    ],
)
def test_a_job_is_started_without_the_script(
    visitor: Client, kind: str, fields: dict[str, Any], name: str
) -> None:
    answer = start(visitor, kind, **fields)
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/{job.id}/response")
    assert (job.name, job.owner) == (name, get_user_model().objects.get())
    assert str(job.id) in visitor.get("/").text
    assert str(job.id) not in Client().get("/").text, "it is no one else's"


def test_a_form_that_is_not_filled_in_says_so(visitor: Client, configure: Configure) -> None:
    answer = start(visitor, "table")
    assert answer.status_code == 422
    assert "Choose a file, or take the sample." in answer.text
    assert 'aria-describedby="table-error"' in answer.text
    configure(MAX_UPLOAD=10)
    answer = start(visitor, "table", table=SimpleUploadedFile("cities.csv", TABLE))
    assert "At most 10 bytes are possible." in answer.text
    answer = start(visitor, "text", text="<b>", delay="9")
    assert "less than or equal to 5" in answer.text
    assert "&lt;b&gt;</textarea>" in answer.text
    assert start(visitor, "tea").status_code == 404
    assert not Job.objects.exists()
    assert not get_user_model().objects.exists()


def test_samples_are_files(visitor: Client) -> None:
    answer = visitor.get("/demo/samples/flights.csv")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv")
    assert answer.content.startswith(b"year,month,day,")
    assert visitor.get("/demo/samples/..%2Fapps.py").status_code == 404
    assert visitor.get("/demo/samples/other.csv").status_code == 404


def test_pages_that_name_no_icon_have_one(visitor: Client) -> None:
    answer = visitor.get("/favicon.ico", follow=True)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
