"""``Idempotency-Key``: the same request makes one job, however often it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.clients import Client
from tests.contract.conftest import LogIn


def post(client: Client, key: str, value: Any, **body: Any) -> httpx.Response:
    return client.post("test.echo", {"Idempotency-Key": key}, args={"value": value}, **body)


def test_the_same_request_gives_the_same_job_and_a_fresh_token(anyone: Client) -> None:
    key = str(uuid4())
    first = post(anyone, key, 1)
    again = post(anyone, key, 1)
    assert first.status_code == 202
    assert "idempotent-replayed" not in first.headers
    assert again.status_code in (200, 202)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json()["id"] == first.json()["id"]
    assert anyone.get(again.json()["links"]["self"], again.json()["token"]).status_code < 300
    anyone.finished(first.json())
    over = post(anyone, key, 1)
    assert over.status_code == 200
    assert over.json()["result"] == 1


@pytest.mark.parametrize("other", [{"value": 2}, {"value": 1, "tags": ["a"]}])
def test_another_request_under_the_key_is_a_mistake(anyone: Client, other: Any) -> None:
    key = str(uuid4())
    post(anyone, key, 1)
    response = post(anyone, key, **other)
    assert response.status_code == 422
    assert response.json()["type"] == "urn:pushjobs:problem:idempotency-mismatch"


def test_another_file_under_the_key_is_a_mistake(anyone: Client) -> None:
    headers = {"Idempotency-Key": str(uuid4())}

    def upload(content: bytes) -> httpx.Response:
        files = {"data": ("data.bin", content)}
        return anyone.http.post("/jobs", data={"name": "test.digest"}, files=files, headers=headers)

    first, same, other = upload(b"one"), upload(b"one"), upload(b"two")
    assert same.json()["id"] == first.json()["id"]
    assert other.status_code == 422


def test_each_user_has_keys_of_their_own(anyone: Client, log_in: LogIn) -> None:
    key = str(uuid4())
    ids = {post(client, key, 1).json()["id"] for client in (anyone, log_in("ann"), log_in("bob"))}
    assert len(ids) == 3


def test_requests_at_the_same_time_make_one_job(anyone: Client) -> None:
    key = str(uuid4())
    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda _: post(anyone, key, 1), range(6)))
    assert {response.status_code for response in responses} <= {200, 202}
    assert len({response.json()["id"] for response in responses}) == 1
    replayed = [response.headers.get("idempotent-replayed") for response in responses]
    assert sorted(replayed, key=str) == [None, *["true"] * 5]


@pytest.mark.parametrize("key", ["", "x" * 256, "guessable"])
def test_a_key_that_is_none_is_refused(anyone: Client, key: str) -> None:
    assert post(anyone, key, 1).status_code == 400
