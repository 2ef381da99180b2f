"""What is particular to the WebSocket."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.contract.clients import Client, bearer, channel_of
from tests.contract.conftest import LogIn
from tests.contract.forgery import altered, unsigned
from tests.contract.sockets import Socket, connected
from tests.processes import Server


def test_a_ping_is_answered(socket: Socket) -> None:
    socket.send(type="ping")
    assert socket.receive() == {"type": "pong"}


def test_a_subscription_is_confirmed_before_its_events(
    socket: Socket, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    socket.send(type="subscribe", channel=channel_of(job), token=job["token"], cursor=job["cursor"])
    confirmed = socket.receive()
    assert confirmed == {
        "type": "subscribed",
        "channel": channel_of(job),
        "recovered": True,
        "cursor": job["cursor"],
    }
    event = socket.receive()
    assert event.keys() == {"type", "channel", "cursor", "event"}
    assert event["event"]["type"] == "job.queued"


def test_one_connection_carries_many_channels(socket: Socket, anyone: Client) -> None:
    jobs = [anyone.submit("test.echo", value=number) for number in range(10)]
    for job in jobs:
        socket.send(
            type="subscribe", channel=channel_of(job), token=job["token"], cursor=job["cursor"]
        )
    results = {}
    ended = set()
    while len(ended) < len(jobs):
        frame = socket.receive("event", "unsubscribed")
        if frame["type"] == "unsubscribed":
            ended.add(frame["channel"])
        elif frame["event"]["type"] == "job.succeeded":
            assert frame["channel"] not in ended
            results[frame["channel"]] = frame["event"]["data"]["result"]
    assert results == {channel_of(job): number for number, job in enumerate(jobs)}


def test_a_channel_is_subscribed_once(socket: Socket, anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    assert socket.subscribe(job)["type"] == "subscribed"
    twice = socket.subscribe(job)
    assert (twice["type"], twice["code"], twice["channel"]) == (
        "error",
        "bad_request",
        channel_of(job),
    )
    gate.touch()
    assert socket.receive("unsubscribed")["channel"] == channel_of(job)


def test_an_unsubscribed_channel_is_silent_and_can_be_had_again(
    socket: Socket, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    anyone.started(job)
    socket.subscribe(job)
    socket.send(type="unsubscribe", channel=channel_of(job))
    assert socket.receive("unsubscribed")["channel"] == channel_of(job)
    gate.touch()
    anyone.finished(job)
    socket.send(type="ping")
    assert socket.receive()["type"] == "pong"
    assert socket.subscribe(job, cursor=job["cursor"])["recovered"] is True


def test_what_is_not_subscribed_can_be_unsubscribed(socket: Socket) -> None:
    socket.send(type="unsubscribe", channel="user:me")
    assert socket.receive() == {"type": "unsubscribed", "channel": "user:me"}


def test_a_refused_channel_leaves_the_connection_open(
    socket: Socket, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    refused = socket.subscribe(job | {"token": "garbage"})
    assert (refused["type"], refused["code"]) == ("error", "unauthorized")
    assert refused["channel"] == channel_of(job)
    assert refused["detail"]
    assert socket.subscribe(job)["type"] == "subscribed"


def test_a_token_cancels_within_its_scope(socket: Socket, anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    anyone.started(job)
    own, other = job["token"], anyone.submit("test.echo")["token"]
    refusals = {altered(own, scope=["read"]): "not_found", other: "not_found"}
    refusals |= {unsigned(own): "unauthorized"}
    for token, code in refusals.items():
        socket.send(type="cancel", job=job["id"], token=token)
        refused = socket.receive()
        assert (refused["type"], refused["code"], refused["job"]) == ("error", code, job["id"])
    socket.send(type="cancel", job=job["id"])
    assert socket.receive()["code"] == "unauthorized"
    socket.send(type="cancel", job=job["id"], token=own)
    assert socket.receive() == {"type": "cancelling", "job": job["id"]}
    assert anyone.finished(job)["status"] == "cancelled"


@pytest.mark.parametrize("name", ["01a1ff2a-2188-74e6-bdad-235d95a12b6f", "no-uuid", ""])
def test_an_unknown_job_is_not_cancelled(socket: Socket, anyone: Client, name: str) -> None:
    token = anyone.submit("test.echo")["token"]
    socket.send(type="cancel", job=name, token=token)
    assert socket.receive()["code"] == "not_found"


def test_a_job_that_has_ended_is_not_cancelled(socket: Socket, anyone: Client) -> None:
    job = anyone.submit("test.echo")
    anyone.finished(job)
    socket.send(type="cancel", job=job["id"], token=job["token"])
    assert socket.receive()["code"] == "conflict"


@pytest.mark.parametrize("way", ["cookie", "authorization", "header"])
def test_a_handshake_can_say_who_connects(any_server: Server, log_in: LogIn, way: str) -> None:
    ann = log_in("ann")
    job = ann.submit("test.echo")
    token = job["token"]
    headers = {
        "cookie": ann.credentials.headers(),
        "authorization": bearer(token),
        "header": {"X-JOB-AUTHORIZATION": token},
    }[way]
    with connected(any_server, **headers) as socket:
        socket.send(type="subscribe", channel=channel_of(job))
        assert socket.receive("subscribed", "error")["type"] == "subscribed"
        socket.send(type="subscribe", channel="user:me")
        expected = "subscribed" if way == "cookie" else "error"
        assert socket.receive("subscribed", "error")["type"] == expected


def test_a_handshake_with_a_bad_token_is_closed_for_good(
    any_server: Server, anyone: Client
) -> None:
    token = unsigned(anyone.submit("test.echo")["token"])
    with connected(any_server, **bearer(token)) as socket:
        assert socket.close_code() == 3501


def test_a_token_in_the_url_counts_for_nothing(any_server: Server, anyone: Client) -> None:
    job = anyone.submit("test.echo")
    url = f"{any_server.socket_url}?token={job['token']}"
    with connect(url, proxy=None) as connection:
        socket = Socket(connection)
        socket.send(type="subscribe", channel=channel_of(job))
        assert socket.receive("subscribed", "error")["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example", True),
        ("http://127.0.0.1:{port}", True),
        ("https://evil.example", False),
        ("https://app.example.evil.example", False),
        ("http://app.example", False),
        ("http://127.0.0.1:1", False),
        ("null", False),
    ],
)
def test_pages_of_other_origins_open_no_socket(
    any_server: Server, origin: str, allowed: bool
) -> None:
    headers = {"Origin": origin.format(port=any_server.port)}
    if allowed:
        with connected(any_server, **headers) as socket:
            assert socket.receive()["type"] == "welcome"
    else:
        with pytest.raises(InvalidStatus) as caught, connected(any_server, **headers):
            pass
        assert caught.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/", "/jobs", "/jobs/socket/", "/jobs/events"])
def test_there_is_no_socket_elsewhere(any_server: Server, path: str) -> None:
    url = f"ws://127.0.0.1:{any_server.port}{path}"
    with pytest.raises(InvalidStatus) as caught, connect(url, proxy=None):
        pass
    assert caught.value.response.status_code == 403
