"""What is particular to Server-Sent Events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.clients import Client, Document, channel_of
from tests.contract.conftest import LogIn
from tests.contract.followers import Credentials, Sse
from tests.processes import Server


@pytest.fixture
def ended(anyone: Client) -> Document:
    job = anyone.submit("test.echo")
    anyone.finished(job)
    return job


@contextmanager
def opened(client: Client, url: str, token: str, **headers: str) -> Iterator[httpx.Response]:
    headers["Authorization"] = f"Bearer {token}"
    with client.http.stream("GET", url, headers=headers) as response:
        yield response


def test_the_headers_keep_a_stream_from_being_kept(anyone: Client, ended: Document) -> None:
    with opened(anyone, ended["links"]["events"], ended["token"]) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        text = response.read().decode()
    assert text.startswith("retry: ")
    assert text.partition("\n")[0].removeprefix("retry: ").isdigit()
    assert text.endswith("\n\n")


def test_a_stream_ends_with_the_terminal_event(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    following = Sse(anyone.server, [channel_of(job)], Credentials(job["token"]), job["cursor"])
    following.until("job.output")
    gate.touch()
    assert following.rest()[-1].type == "job.succeeded"
    assert following.streams == 1


def test_a_stream_that_has_told_all_is_not_to_be_opened_again(
    anyone: Client, ended: Document
) -> None:
    following = Sse(anyone.server, [channel_of(ended)], Credentials(ended["token"]), None)
    following.rest()
    url, last = ended["links"]["events"], {"Last-Event-ID": following.cursor}
    response = anyone.get(url, ended["token"], **last)
    assert (response.status_code, response.content) == (204, b"")
    assert anyone.get(f"{url}?cursor={following.cursor}", ended["token"]).status_code == 204


def test_the_last_event_id_goes_before_the_cursor_of_the_url(
    anyone: Client, ended: Document
) -> None:
    url = ended["links"]["events"] + "?cursor=earliest"
    told = anyone.get(url, ended["token"]).text
    assert "event: job.queued" in told
    last = [line for line in told.splitlines() if line.startswith("id: ")][-1]
    again = anyone.get(url, ended["token"], **{"Last-Event-ID": last.removeprefix("id: ")})
    assert again.status_code == 204


def test_a_token_in_the_url_reads(anyone: Client, ended: Document) -> None:
    response = anyone.http.get(ended["links"]["events"], params={"token": ended["token"]})
    assert response.status_code == 200
    assert "event: job.snapshot" in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/response"), ("POST", "/cancel"), ("POST", "/retry")],
)
def test_a_token_in_the_url_is_for_streams_only(
    anyone: Client, ended: Document, method: str, path: str
) -> None:
    params = {"token": ended["token"]}
    response = anyone.http.request(method, f"/jobs/{ended['id']}{path}", params=params)
    assert response.status_code == 401


def test_a_token_in_the_url_must_hold(anyone: Client, ended: Document) -> None:
    response = anyone.http.get(ended["links"]["events"], params={"token": "garbage"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


def channels(*names: str) -> dict[str, Any]:
    return {"channel": list(names)}


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
@pytest.mark.parametrize(
    "names",
    [(), ("user:me", "user:me"), tuple(f"tag:{number}" for number in range(101))],
    ids=["none", "twice", "too many"],
)
def test_channels_are_named_once_and_are_not_too_many(
    log_in: LogIn, names: tuple[str, ...], accept: str
) -> None:
    ann = log_in("ann")
    response = ann.http.get("/jobs/events", params=channels(*names), headers={"Accept": accept})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


def test_one_job_under_two_spellings_is_one_channel(log_in: LogIn) -> None:
    ann = log_in("ann")
    name = channel_of(ann.submit("test.echo"))
    shout = "job:" + name.removeprefix("job:").upper()
    response = ann.http.get("/jobs/events", params=channels(name, shout))
    assert response.status_code == 400


def test_as_many_channels_as_are_allowed_are_served(log_in: LogIn) -> None:
    ann = log_in("ann")
    names = ["user:me", *(f"tag:{number}" for number in range(99))]
    job = ann.submit("test.echo", tags=("0", "98"))
    with Sse(ann.server, names, ann.credentials, "earliest") as following:
        told = [next(following) for _ in range(9)]
    assert {item.event["channel"] for item in told} == {"user:me", "tag:0", "tag:98"}
    assert {item.event["job"] for item in told} == {job["id"]}


def test_a_cursor_of_many_channels_is_in_the_order_of_the_url(log_in: LogIn) -> None:
    ann = log_in("ann")
    ann.finished(ann.submit("test.echo", tags=("a",)))
    names = ["user:me", "tag:a"]
    with Sse(ann.server, names, ann.credentials, None) as following:
        next(following)
        next(following)
        cursor = following.cursor
    for order, status in ((names, 200), (names[::-1], 400), (["user:me"], 400)):
        headers = {"Last-Event-ID": cursor, "Accept": "application/json"}
        response = ann.http.get("/jobs/events", params=channels(*order), headers=headers)
        assert response.status_code == status


def test_a_quiet_stream_has_a_heartbeat(small_server: Server, gate: Path) -> None:
    with Client(small_server) as client:
        job = client.submit("test.hold_async", until=str(gate))
        client.started(job)
        with opened(client, job["links"]["events"], job["token"]) as response:
            lines = response.iter_lines()
            assert any(line.startswith(":") for line in lines)
            assert any(line.startswith(":") for line in lines)
            gate.touch()
            assert "event: job.succeeded" in list(lines)


def test_the_settings_name_the_header_and_the_limits(small_server: Server) -> None:
    with Client(small_server) as client:
        job = client.submit("test.echo")
        client.finished(job)
        url, accept = job["links"]["events"], {"Accept": "application/json"}
        assert client.get(url, **accept, **{"X-OUR-TOKEN": job["token"]}).status_code == 200
        assert client.get(url, **accept, **{"X-JOB-AUTHORIZATION": job["token"]}).status_code == 401
        too_many = channels(*(f"tag:{number}" for number in range(4)))
        assert client.http.get("/jobs/events", params=too_many).status_code == 400
