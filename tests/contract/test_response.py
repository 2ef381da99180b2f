"""``GET /jobs/<id>/response``: exactly what the job produced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.clients import Client, Document


def response_of(client: Client, job: Document) -> httpx.Response:
    client.finished(job)
    return client.get(job["links"]["response"], job["token"])


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "body", "inline"),
    [
        ("text", 200, "text/plain; charset=utf-8", "plain ✓".encode(), "plain ✓"),
        ("bytes", 200, "application/octet-stream", b"\x00\x01\xff", None),
        ("none", 200, "application/json", b"null", None),
        ("pair", 201, "application/json", b'{"made":true}', {"made": True}),
        ("http", 203, "text/html; charset=utf-8", b"<p>hi</p>", None),
        ("http-json", 418, "application/json", b'{"ok": true}', {"ok": True}),
        ("big", 200, "application/json", b'{"text":"' + b"x" * 40_000 + b'"}', None),
        ("nan", 200, "application/json", b'{"value":null}', {"value": None}),
        ("dates", 200, "application/json", b'{"dates":"2026-01-02"}', {"dates": "2026-01-02"}),
    ],
)
def test_a_result_comes_back_as_it_was_made(
    anyone: Client, kind: str, status: int, content_type: str, body: bytes, inline: Any
) -> None:
    job = anyone.submit("test.result", kind=kind)
    response = response_of(anyone, job)
    assert response.status_code == status
    assert response.headers["content-type"] == content_type
    assert response.content == body
    assert int(response.headers["content-length"]) == len(body)
    document = anyone.get(job["links"]["self"], job["token"])
    assert document.status_code == 200
    assert document.json()["result"] == inline


def test_headers_and_cookies_come_back_too(anyone: Client) -> None:
    response = response_of(anyone, anyone.submit("test.result", kind="http"))
    assert response.headers["x-made-by"] == "job"
    assert response.headers["set-cookie"].startswith("flavour=oat")


def test_a_file_comes_back_with_its_name(anyone: Client, tmp_path: Path) -> None:
    content = b"a,b\n1,2\n" * 10_000
    path = tmp_path / "made.csv"
    path.write_bytes(content)
    job = anyone.submit("test.result", kind="file", path=str(path))
    response = response_of(anyone, job)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv"
    assert response.content == content
    disposition = response.headers["content-disposition"]
    assert disposition == "attachment; filename*=utf-8''report%20%C3%BC.csv"
    assert anyone.finished(job)["result"] == {"rows": 2}


def test_the_response_is_202_with_the_document_until_the_job_is_over(
    anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    anyone.started(job)
    waiting = anyone.get(job["links"]["response"], job["token"])
    assert waiting.status_code == 202
    assert waiting.json()["status"] == "running"
    assert int(waiting.headers["retry-after"]) >= 1
    gate.touch()
    over = anyone.get(job["links"]["response"], job["token"], Prefer="wait=20")
    assert (over.status_code, over.text) == (200, "released")


def test_a_refusal_is_answered_with_the_code_that_the_job_chose(anyone: Client) -> None:
    response = response_of(anyone, anyone.submit("test.refuse", message="gone", status_code=409))
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "gone"
    assert response.json()["status"] == 409


@pytest.mark.parametrize(
    ("name", "args", "status", "slug"),
    [
        ("test.fail", {}, 500, "handler-error"),
        ("test.unstorable", {}, 500, "unstorable-result"),
        ("test.result", {"kind": "file-gone"}, 500, "unstorable-result"),
        ("test.slow", {}, 504, "time-limit"),
    ],
)
def test_a_failure_is_a_problem_document_that_leaks_nothing(
    anyone: Client, name: str, args: dict[str, Any], status: int, slug: str
) -> None:
    job = anyone.submit(name, **args)
    response = response_of(anyone, job)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == f"urn:pushjobs:problem:{slug}"
    document = anyone.get(job["links"]["self"], job["token"])
    for text in (response.text, document.text):
        assert "Traceback" not in text
        assert "/etc/" not in text
        assert "nowhere" not in text
        assert ".py" not in text


def test_a_cancelled_job_has_no_response(anyone: Client) -> None:
    job = anyone.post("test.echo", run_at="2099-01-01T00:00:00Z").json()
    assert anyone.cancel(job).status_code == 200
    response = anyone.get(job["links"]["response"], job["token"])
    assert response.status_code == 410
    assert response.headers["content-type"] == "application/problem+json"


def test_head_is_as_get_without_the_body(anyone: Client) -> None:
    job = anyone.submit("test.result", kind="http")
    anyone.finished(job)
    headers = {"Authorization": f"Bearer {job['token']}"}
    for path in (job["links"]["self"], job["links"]["response"]):
        there, whole = (anyone.http.request(way, path, headers=headers) for way in ("HEAD", "GET"))
        assert (there.status_code, there.content) == (whole.status_code, b"")
        for name in ("content-type", "content-length", "cache-control", "vary"):
            assert there.headers[name] == whole.headers[name]
    refused = anyone.http.head(job["links"]["response"])
    assert (refused.status_code, refused.content) == (401, b"")
