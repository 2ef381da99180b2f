"""Submissions that cannot be accepted: each is told what is wrong, and the server goes on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.clients import Client
from tests.processes import Server

JSON = "application/json"
FORM = "multipart/form-data; boundary=b"
ECHO = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\ntest.echo\r\n'


def check_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """It is a problem document that leaks nothing."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:pushjobs:problem:")
    assert document["title"]
    for leak in ("Traceback", ".py", "/work", "/tmp", "site-packages", "pydantic"):
        assert leak not in response.text
    return document


def check_goes_on(client: Client) -> None:
    job = client.submit("test.echo", value="still here")
    assert client.finished(job)["result"] == "still here"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (JSON, b"", 400),
        (JSON, b"{", 400),
        (JSON, b"\xff\xfe", 400),
        (JSON, b'{"name": "\\ud800"}', 400),
        (JSON, b'{"name": NaN}', 400),
        (JSON, b"[" * 1500 + b"]" * 1500, 400),
        (JSON, b"[]", 422),
        (JSON, b"null", 422),
        (JSON, b'"test.echo"', 422),
        (JSON, b"{}", 422),
        (JSON, b'{"name": 5}', 422),
        (JSON, b'{"name": "test.echo", "args": []}', 422),
        (JSON, b'{"name": "test.echo", "tags": "a"}', 422),
        (JSON, b'{"name": "test.echo", "tags": [""]}', 422),
        (JSON, b'{"name": "test.echo", "tags": ["a\\u0000"]}', 422),
        (JSON, b'{"name": "test.echo", "run_at": "soon"}', 422),
        (JSON, b'{"name": "test.echo", "run_at": "2099-01-01T00:00:00"}', 422),
        (JSON, b'{"name": "test.echo", "more": 1}', 422),
        (JSON, b'{"name": ""}', 422),
        (JSON, b'{"name": "test.unknown"}', 404),
        (JSON, b'{"name": "os.system"}', 404),
        ("text/plain", b'{"name": "test.echo"}', 415),
        ("application/x-www-form-urlencoded", b"name=test.echo", 415),
        ("application/xml", b"<name/>", 415),
        ("", b'{"name": "test.echo"}', 415),
        (FORM, b"", 422),
        (FORM, b"nonsense", 422),
        ("multipart/form-data", ECHO, 400),
        (FORM, ECHO + b'--b\r\nContent-Disposition: form-data; name="args"\r\n\r\n{\r\n--b--', 400),
        (FORM, ECHO + ECHO + b"--b--\r\n", 422),
    ],
)
def test_a_body_that_is_no_submission_is_a_problem(
    anyone: Client, content_type: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = anyone.http.post("/jobs", content=body, headers=headers)
    check_problem(response, status)


@pytest.mark.parametrize(
    ("name", "args", "loc"),
    [
        ("test.talk", {"words": "many"}, ["args", "words"]),
        ("test.talk", {"words": 1.5}, ["args", "words"]),
        ("test.talk", {"loudness": 1}, ["args", "loudness"]),
        ("test.talk", {"run": {}}, ["args", "run"]),
        ("test.hold", {}, ["args", "until"]),
        ("test.count", {"to": None}, ["args", "to"]),
        ("test.digest", {}, ["data"]),
        ("test.digest", {"data": {"key": "/etc/passwd"}}, ["data"]),
        ("test.digest", {"data": "/etc/passwd"}, ["data"]),
    ],
)
def test_arguments_that_do_not_fit_are_told_one_by_one(
    anyone: Client, name: str, args: dict[str, Any], loc: list[str]
) -> None:
    document = check_problem(anyone.post(name, args=args), 422)
    assert document["type"] == "urn:pushjobs:problem:invalid-arguments"
    [error] = document["errors"]
    assert error.keys() == {"loc", "msg"}
    assert error["loc"] == loc
    assert "/etc/passwd" not in str(document)


def test_a_file_where_none_is_expected_is_a_problem(anyone: Client) -> None:
    files = {"value": ("a.txt", b"content")}
    response = anyone.http.post("/jobs", data={"name": "test.echo"}, files=files)
    document = check_problem(response, 422)
    assert document["errors"] == [{"loc": ["value"], "msg": "no file is expected under this name"}]


def test_two_files_for_one_parameter_are_a_problem(anyone: Client) -> None:
    files = [("data", ("a.txt", b"a")), ("data", ("b.txt", b"b"))]
    response = anyone.http.post("/jobs", data={"name": "test.digest"}, files=files)
    assert check_problem(response, 422)["errors"][0]["loc"] == ["data"]


def test_a_parameter_that_takes_many_files_has_a_part_for_each(anyone: Client) -> None:
    files = [("tables", (f"{name}.txt", b"text")) for name in "abc"]
    for some in (files[:1], files[:2]):
        answer = anyone.http.post("/jobs", data={"name": "test.names"}, files=some)
        assert answer.status_code == 202
        sent = [name for _, (name, _) in some]
        assert anyone.finished(answer.json())["result"] == sent
    answer = anyone.http.post("/jobs", data={"name": "test.names"}, files=files)
    assert check_problem(answer, 422)["errors"][0]["loc"] == ["tables"]


def test_a_file_name_is_no_path(anyone: Client) -> None:
    files = {"data": ("../../../../tmp/evil\x00.sh", b"content", "text/x-sh")}
    fields = {"name": "test.digest", "args": '{"note": "n"}', "tags": '["a"]', "run_at": ""}
    response = anyone.http.post("/jobs", data=fields, files=files)
    assert response.status_code == 202
    result = anyone.finished(response.json())["result"]
    assert "/" not in result["name"]
    assert (result["size"], result["note"], result["two"]) == (7, "n", False)


def test_a_body_over_the_limit_is_a_problem(small_server: Server) -> None:
    with Client(small_server) as client:
        check_problem(client.post("test.echo", args={"value": "x" * 3000}), 413)
        files = {"data": ("a.bin", b"x" * 5000)}
        response = client.http.post("/jobs", data={"name": "test.digest"}, files=files)
        check_problem(response, 413)

        def in_chunks() -> Any:
            yield b'{"name": "test.echo", "args": {"value": "'
            yield b"x" * 3000
            yield b'"}}'

        chunked = client.http.post("/jobs", content=in_chunks(), headers={"Content-Type": JSON})
        check_problem(chunked, 413)
        check_goes_on(client)


@pytest.mark.parametrize("path", ["/jobs", "/jobs/tokens", "/jobs/{id}", "/jobs/{id}/events"])
def test_a_method_that_is_not_for_the_url_is_a_problem(anyone: Client, path: str) -> None:
    job = anyone.submit("test.echo")
    response = anyone.http.delete(path.format(id=job["id"]))
    check_problem(response, 405)
    assert response.headers["allow"]


def test_the_server_goes_on_after_all_of_this(anyone: Client) -> None:
    check_goes_on(anyone)
    for sign in ("Exception in ASGI application", "Exception inside application"):
        assert sign not in anyone.server.log
