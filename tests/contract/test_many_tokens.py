"""A stream or page of many channels: the token of each, and a cursor put together from each's."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from tests.contract.clients import Client, Document, bearer, channel_of
from tests.contract.conftest import LogIn
from tests.contract.followers import Credentials, Follower, Refused, Sse, Told, WebSocket
from tests.contract.forgery import FORGERIES, altered, lasting
from tests.processes import Server

TYPES = ["job.queued", "job.started", "job.succeeded"]


@pytest.fixture(params=["sse", "polling"])
def reader(any_server: Server, request: pytest.FixtureRequest) -> Follower:
    """One of the transports whose tokens go into the URL."""
    return Follower(any_server, request.param)


@pytest.fixture
def ended(anyone: Client) -> list[Document]:
    """Two jobs that are over, of no user."""
    jobs = [anyone.submit("test.echo"), anyone.submit("test.echo")]
    for job in jobs:
        anyone.finished(job)
    return jobs


def showing(*tokens: str) -> Credentials:
    return Credentials(tokens=tokens)


def own_token(user: Client, *channels: str) -> str:
    response = user.http.post("/jobs/tokens", json={"channels": channels})
    assert response.status_code == 200, response.text
    return str(response.json()["token"])


def types_by_job(told: list[Told], jobs: list[Document]) -> list[list[str]]:
    return [[item.type for item in told if item.event["job"] == job["id"]] for job in jobs]


def page(client: Client, names: list[str], tokens: list[str], **more: str) -> httpx.Response:
    """The answer to a request for a page of channels, with tokens in its URL."""
    fields = [("channel", name) for name in names] + [("token", text) for text in tokens]
    query = urlencode([*fields, *more.items()])
    return client.get(f"/jobs/events?{query}", Accept="application/json")


def test_each_token_opens_the_channels_that_it_names(
    reader: Follower, ended: list[Document]
) -> None:
    names = [channel_of(job) for job in ended]
    by = showing(*(job["token"] for job in reversed(ended)))
    cursor = "~".join(job["cursor"] for job in ended)
    with reader.follow(*names, by=by, cursor=cursor) as following:
        told = following.rest()
        assert following.recovered is True
    assert types_by_job(told, ended) == [TYPES, TYPES]
    assert reader.follow(*names, by=by, cursor=following.cursor).rest() == []


def test_a_cursor_is_put_together_from_that_of_each_channel(
    reader: Follower, ended: list[Document], anyone: Client
) -> None:
    whole, known, new = *ended, anyone.submit("test.echo")
    anyone.finished(new)
    with WebSocket(
        reader.server, [channel_of(known)], Credentials(known["token"]), known["cursor"]
    ) as over_socket:
        over_socket.until("job.started")
    jobs = [whole, known, new]
    cursor = f"earliest~{over_socket.cursor}~-"
    told = reader.follow(
        *map(channel_of, jobs), by=showing(*(job["token"] for job in jobs)), cursor=cursor
    ).rest()
    assert types_by_job(told, jobs) == [TYPES, TYPES[2:], ["job.snapshot"]]


def test_the_cursor_of_many_comes_apart_into_that_of_each(
    reader: Follower, ended: list[Document]
) -> None:
    names = [channel_of(job) for job in ended]
    by = showing(*(job["token"] for job in ended))
    cursor = "~".join(job["cursor"] for job in ended)
    with reader.follow(*names, by=by, cursor=cursor) as following:
        told = [next(following) for _ in range(4)]
    assert told[-1].cursor is not None
    for job, part in zip(ended, told[-1].cursor.split("~"), strict=True):
        alone = reader.follow(channel_of(job), by=job["token"], cursor=part)
        told += alone.rest()
    assert types_by_job(told, ended) == [TYPES, TYPES]


def test_a_users_token_goes_along_with_the_tokens_of_jobs(
    reader: Follower, log_in: LogIn, ended: list[Document]
) -> None:
    ann = log_in("ann")
    job = ann.submit("test.echo", tags=("batch",))
    ann.finished(job)
    names = [channel_of(ended[0]), "tag:batch", channel_of(job)]
    by = showing(own_token(ann, "tag:batch"), ended[0]["token"], own_token(ann, "user:me"))
    told: list[Told] = []
    with reader.follow(*names, by=by, cursor="~".join(["earliest"] * 3)) as following:
        while len(told) < 9:
            told.append(next(following))
    assert {(item.event["channel"], item.type) for item in told} == {
        (name, kind) for name in names for kind in TYPES
    }


def test_no_token_opens_what_none_of_them_names(
    anyone: Client, log_in: LogIn, ended: list[Document]
) -> None:
    one, other = ended
    ann = log_in("ann")
    hers = ann.submit("test.echo")
    tokens = [one["token"], own_token(ann, "tag:batch")]
    for foreign in (channel_of(other), channel_of(hers), "user:me", "tag:other"):
        refused = page(anyone, [channel_of(one), foreign], tokens)
        assert (refused.status_code, refused.json()["type"][-9:]) == (404, "not-found")
    assert page(anyone, [channel_of(one), "tag:batch"], tokens).status_code == 200


def test_one_that_does_not_hold_spoils_the_rest(anyone: Client, ended: list[Document]) -> None:
    one, other = ended
    names = [channel_of(one), channel_of(other)]
    for forge in FORGERIES.values():
        bad = forge(other["token"])
        answers = [
            page(anyone, names, tokens) for tokens in ([one["token"], bad], [bad, one["token"]])
        ]
        for answer in answers:
            assert answer.status_code == 401
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert answers[0].content == answers[1].content


def test_they_are_of_one_user(anyone: Client, log_in: LogIn) -> None:
    tokens = [own_token(log_in(name), "user:me") for name in ("ann", "bob")]
    refused = page(anyone, ["user:me"], tokens)
    assert refused.status_code == 400
    assert refused.json()["detail"] == "the tokens of one request are of one user"


def test_they_count_for_reading_only(anyone: Client, ended: list[Document]) -> None:
    one, other = ended
    no_reader = altered(other["token"], scope=["cancel"])
    assert page(anyone, [channel_of(one)], [one["token"], no_reader]).status_code == 200
    assert page(anyone, [channel_of(other)], [one["token"], no_reader]).status_code == 404
    query = urlencode([("token", one["token"]), ("token", other["token"])])
    assert anyone.http.post(f"{one['links']['cancel']}?{query}").status_code == 401


def test_a_token_in_a_header_comes_before_those_in_the_url(
    anyone: Client, ended: list[Document]
) -> None:
    one, other = ended
    url = f"/jobs/events?channel={channel_of(one)}&token={one['token']}&token={other['token']}"
    for token, status in ((one["token"], 200), (other["token"], 404), ("garbage", 401)):
        answer = anyone.get(url, Accept="application/json", **bearer(token))
        assert answer.status_code == status


def test_a_stream_ends_when_the_first_of_them_expires(anyone: Client, gate: Path) -> None:
    jobs = [anyone.submit("test.hold", until=str(gate)) for _ in range(2)]
    for job in jobs:
        anyone.started(job)
    by = showing(jobs[0]["token"], lasting(jobs[1]["token"], 1))
    names = [channel_of(job) for job in jobs]
    with Sse(anyone.server, names, by, "earliest") as following:
        with pytest.raises(Refused) as caught:
            following.until("job.succeeded")
        assert following.streams == 1
    assert caught.value.document["detail"] == "the token has expired"


def test_a_request_shows_at_most_as_many_tokens_as_it_may_name_channels(
    small_server: Server,
) -> None:
    with Client(small_server) as client:
        job = client.submit("test.echo")
        assert page(client, [channel_of(job)], [job["token"]] * 3).status_code == 200
        refused = page(client, [channel_of(job)], [job["token"]] * 4)
    assert refused.status_code == 400
    assert refused.json()["detail"] == "one request shows at most 3 tokens"
