"""What is answered in front of Django's handler is answered as Django answers it."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.clients import Client
from tests.contract.conftest import LogIn

#: Headers of a request that is answered in front of Django's handler, and of one that is not.
_WAYS: tuple[dict[str, str], ...] = ({}, {"Prefer": "wait=0"})
#: What differs from one answer to the next, or is the server's own.
_VARYING = {"date", "server", "content-length"}
#: What Django's middleware adds, and no stream or poll by token has.
_MIDDLEWARE = {
    "x-frame-options",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
}


@pytest.mark.parametrize("known", [False, True], ids=["200", "304"])
def test_a_poll_by_token_has_the_headers_of_one_by_session(log_in: LogIn, known: bool) -> None:
    ann = log_in("ann")
    job = ann.submit("test.echo")
    ann.finished(job)
    path, origin = job["links"]["self"], {"Origin": "https://app.example"}
    headers = origin | ({"If-None-Match": ann.get(path).headers["etag"]} if known else {})
    by_session = ann.get(path, **headers)
    with Client(ann.server) as other:
        by_token = other.get(path, job["token"], **headers)
    assert by_session.status_code == by_token.status_code == (304 if known else 200)
    assert by_session.content == by_token.content
    ignored = _VARYING | _MIDDLEWARE
    assert _without(by_token, ignored) == _without(by_session, ignored)


def test_another_host_is_refused_on_each_route(anyone: Client) -> None:
    job = anyone.submit("test.echo")
    path, token = job["links"]["self"], job["token"]
    for headers in _WAYS:
        assert anyone.get(path, token, Host="evil.example", **headers).status_code == 400
        assert anyone.post("test.echo", {"Host": "evil.example", **headers}).status_code == 400


def test_a_session_without_its_csrf_token_submits_nothing(log_in: LogIn) -> None:
    ann = log_in("ann")
    for headers in _WAYS:
        refused = ann.post("test.echo", {"X-CSRFToken": "", **headers})
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:pushjobs:problem:forbidden"
    assert ann.http.get("/jobs").json()["jobs"] == []


def test_both_ways_to_submit_have_the_same_headers(anyone: Client) -> None:
    origin = {"Origin": "https://app.example"}
    at_once = anyone.post("test.echo", origin)
    by_django = anyone.post("test.echo", origin | {"Prefer": "respond-async"})
    assert at_once.status_code == by_django.status_code == 202
    assert list(at_once.json()) == list(by_django.json())

    def told(response: httpx.Response) -> dict[str, str]:
        return _without(response, _VARYING | {"location", "link", "etag"})

    assert told(at_once) == told(by_django)


def _without(response: httpx.Response, names: set[str]) -> dict[str, str]:
    return {name: text for name, text in response.headers.items() if name not in names}
