"""Frames that end a WebSocket connection, and limits of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.contract.clients import Client, channel_of
from tests.contract.sockets import Socket, connected
from tests.processes import Server

BAD_FRAMES: dict[str, str | bytes] = {
    "binary": b'{"type":"ping"}',
    "not JSON": "ping",
    "empty": "",
    "a list": '["ping"]',
    "null": "null",
    "no type": '{"channel":"user:me"}',
    "a type that is no text": '{"type":1}',
    "an unknown type": '{"type":"shout"}',
    "no channel": '{"type":"subscribe"}',
    "a channel that is no text": '{"type":"subscribe","channel":["user:me"]}',
    "a token that is no text": '{"type":"subscribe","channel":"user:me","token":{}}',
    "a cursor that is no text": '{"type":"subscribe","channel":"user:me","cursor":1}',
    "no job": '{"type":"cancel"}',
    "too large": json.dumps({"type": "ping", "more": "x" * 70_000}),
}


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_a_bad_frame_closes_the_connection_for_good(socket: Socket, frame: str | bytes) -> None:
    socket.connection.send(frame)
    refused = socket.receive()
    assert (refused["type"], refused["code"]) == ("error", "bad_frame")
    assert "Traceback" not in refused["detail"]
    assert socket.close_code() == 3500


def test_a_frame_of_megabytes_closes_the_connection(any_server: Server, anyone: Client) -> None:
    with connected(any_server) as socket:
        socket.send(type="ping", more="x" * 3_000_000)
        assert socket.close_code() in (1009, 3500)
    assert anyone.finished(anyone.submit("test.echo"))["status"] == "succeeded"


def test_too_many_frames_close_the_connection(small_server: Server) -> None:
    with connected(small_server) as socket:
        try:
            for _ in range(200):
                socket.send(type="ping")
        except ConnectionClosed:
            pass
        assert socket.close_code() == 3502


def test_too_many_channels_are_refused(small_server: Server, gate: Path) -> None:
    with Client(small_server) as client, connected(small_server) as socket:
        jobs = [client.submit("test.hold_async", until=str(gate)) for _ in range(4)]
        assert [socket.subscribe(job)["type"] for job in jobs] == [*["subscribed"] * 3, "error"]
        socket.send(type="unsubscribe", channel=channel_of(jobs[0]))
        socket.receive("unsubscribed")
        assert socket.subscribe(jobs[3])["type"] == "subscribed"


def test_a_quiet_connection_has_a_heartbeat(small_server: Server) -> None:
    with connected(small_server) as socket:
        assert socket.receive() == {"type": "welcome", "heartbeat": 0.1}
        assert socket.receive() == {"type": "pong"}
        assert socket.receive() == {"type": "pong"}
