"""``pushjobs.capture``: what of a request is kept, what is not, and when two are the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory

from pushjobs.capture import Capture, capture
from pushjobs.captured import Captured
from pushjobs.exceptions import BadRequest, TooLarge
from pushjobs.viewauth import Identity
from tests.unit.conftest import Configure

MAKE = RequestFactory()


def captured(request: HttpRequest) -> Capture:
    return capture(request, Identity())


def posted(**options: Any) -> Any:
    return MAKE.post("/a", **{"data": {"x": ["1", "2"]}, **options})


def test_it_survives_its_storage() -> None:
    request = MAKE.post("/é/%2F?q=ü&r=%FF", b"\x00\xff", "application/octet-stream")
    record = captured(request).record
    assert Captured.model_validate_json(record.model_dump_json()) == record
    assert (record.path_info, record.body) == ("/é//", b"\x00\xff")
    assert record.query.isascii()


CREDENTIALS = {
    "authorization": "Bearer s3cret",
    "proxy-authorization": "Basic s3cret",
    "cookie": "sessionid=s3cret",
    "x-job-authorization": "Bearer s3cret",
    "x-csrftoken": "s3cret",
    "x-api-key": "s3cret",
    "x-forwarded-access-token": "s3cret",
}


@pytest.mark.parametrize("listed", [[], ["*"], list(CREDENTIALS)], ids=["default", "all", "each"])
def test_no_credential_is_kept_whatever_the_settings_list(
    listed: list[str], configure: Configure
) -> None:
    if listed:
        configure(REQUEST_HEADERS=listed)
    record = captured(MAKE.get("/", headers=CREDENTIALS)).record
    assert "s3cret" not in record.model_dump_json()


def test_headers_on_the_list_are_kept_and_others_are_not(
    configure: Configure, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_SCHEME", "https")
    sent = {"accept": "a/b", "hx-target": "t", "x-other": "o", "x-scheme": "https"}
    record = captured(MAKE.post("/", {}, headers=sent)).record
    kept = {name.lower() for name in record.headers}
    assert kept == {"accept", "hx-target", "x-scheme", "content-type", "content-length"}
    configure(REQUEST_HEADERS=["x-*"])
    kept = {name.lower() for name in captured(MAKE.get("/", headers=sent)).record.headers}
    assert {"x-other", "x-scheme"} <= kept
    assert "accept" not in kept


@pytest.mark.parametrize(
    "options",
    [
        {"data": b"x" * 101, "content_type": "application/json"},
        {"data": {"field": "x" * 101}},
        {"data": {"file": SimpleUploadedFile("a", b"x" * 2000)}},
    ],
    ids=["body", "field", "file"],
)
def test_what_is_over_a_limit_is_refused(options: dict[str, Any], configure: Configure) -> None:
    configure(MAX_BODY=100, MAX_UPLOAD=1000)
    with pytest.raises(TooLarge, match="allowed"):
        captured(posted(**options))


def test_a_body_over_djangos_own_limit_is_refused(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    with pytest.raises(TooLarge):
        captured(posted(data=b"x" * 11, content_type="application/json"))


def test_a_form_with_too_many_fields_is_refused(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1
    with pytest.raises(TooLarge, match="parts"):
        captured(posted(data={"a": "1", "b": "2"}))


def test_a_body_that_was_read_already_cannot_be_captured() -> None:
    request = posted(data=b"{}", content_type="application/json")
    request.read()
    with pytest.raises(BadRequest, match="was read before"):
        captured(request)


def test_a_broken_form_cannot_be_captured() -> None:
    kind = "multipart/form-data; boundary=b"
    with pytest.raises(BadRequest, match="cannot be read"):
        captured(posted(data=b"--b\r\nContent-Disposition: x", content_type="multipart/form-data"))
    assert captured(posted(data=b"--b--", content_type=kind)).record.form == []


def test_a_large_body_is_not_in_the_record(configure: Configure) -> None:
    configure(INLINE_RESULT=10)
    taken = captured(posted(data=b"x" * 11, content_type="text/plain"))
    assert (taken.body, taken.record.body, taken.record.body_stored) == (b"x" * 11, None, True)


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (MAKE.get("/a?x=1"), MAKE.get("/a?x=1"), True),
        (MAKE.get("/a?x=1"), MAKE.get("/a?x=2"), False),
        (MAKE.get("/a"), MAKE.get("/b"), False),
        (MAKE.get("/a"), MAKE.head("/a"), False),
        (MAKE.get("/a", headers={"host": "b.example"}), MAKE.get("/a"), False),
        (MAKE.get("/a", headers={"accept": "text/html"}), MAKE.get("/a"), False),
        (MAKE.get("/a", headers={"user-agent": "other"}), MAKE.get("/a"), True),
        (posted(), posted(), True),
        (posted(), posted(data={"x": ["2", "1"]}), False),
        (
            posted(data={"csrfmiddlewaretoken": "1"}),
            posted(data={"csrfmiddlewaretoken": "2"}),
            True,
        ),
        (
            posted(data="a=1&csrfmiddlewaretoken=1", content_type=FORM),
            posted(data="a=1&csrfmiddlewaretoken=2", content_type=FORM),
            True,
        ),
        (posted(data="a=", content_type=FORM), posted(data="", content_type=FORM), False),
        (
            posted(data={"f": SimpleUploadedFile("a", b"1")}),
            posted(data={"f": SimpleUploadedFile("a", b"2")}),
            False,
        ),
        (
            posted(data={"f": SimpleUploadedFile("a", b"1")}),
            posted(data={"f": SimpleUploadedFile("a", b"1")}),
            True,
        ),
        (
            posted(data='{"a": 1}', content_type="application/json"),
            posted(data='{"a": 2}', content_type="application/json"),
            False,
        ),
    ],
)
def test_two_requests_are_the_same_if_they_ask_the_same(one: Any, other: Any, same: bool) -> None:
    prints = [captured(request).record.fingerprint() for request in (one, other)]
    assert (prints[0] == prints[1]) is same
    assert len(prints[0]) == 64


def test_the_same_request_of_another_is_another() -> None:
    record = captured(MAKE.get("/")).record
    others = [{"user": "1"}, {"user": "2"}, {"session": "a"}, {"session": "b"}, {"language": "de"}]
    found = {record.model_copy(update=update).fingerprint() for update in others}
    assert len(found | {record.fingerprint()}) == len(others) + 1


def test_a_users_second_session_asks_the_same() -> None:
    record = captured(MAKE.get("/")).record
    one, other = ({"user": "1", "session": key} for key in "ab")
    assert (
        record.model_copy(update=one).fingerprint() == record.model_copy(update=other).fingerprint()
    )
