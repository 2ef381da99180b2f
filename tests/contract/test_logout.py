"""What a session follows ends with its logout; who follows by a token goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.contract.clients import Client, channel_of
from tests.contract.conftest import LogIn
from tests.contract.followers import Follower, Refused, Sse, WebSocket
from tests.contract.sockets import connected


def test_a_logout_ends_what_the_session_follows_and_no_token(
    follower: Follower, log_in: LogIn, gate: Path
) -> None:
    ann = log_in("ann")
    job, session = ann.submit("test.hold", until=str(gate)), ann.credentials
    channel = channel_of(job)
    by_session = follower.follow(channel, by=session, cursor=job["cursor"])
    by_token = follower.follow(channel, by=job["token"], cursor=job["cursor"])
    with by_session, by_token:
        by_session.until("job.output")
        by_token.until("job.output")
        ann.http.get("/test-logout")
        if isinstance(by_session, WebSocket):
            with pytest.raises(ConnectionClosed, match="3001"):
                by_session.rest()
            by_session = follower.follow(channel, by=session, cursor=by_session.cursor)
        with pytest.raises(Refused) as refused:
            by_session.rest()
        assert refused.value.code == "unauthorized"
        gate.touch()
        assert by_token.rest()[-1].type == "job.succeeded"
        assert not isinstance(by_token, Sse) or by_token.streams == 1


def test_a_socket_that_follows_nothing_by_its_session_is_told_to_come_back_too(
    log_in: LogIn, anyone: Client
) -> None:
    ann = log_in("ann")
    headers, job = ann.credentials.headers(), anyone.submit("test.echo")
    with connected(ann.server, **headers) as socket:
        assert socket.subscribe(job)["type"] == "subscribed"
        ann.http.get("/test-logout")
        assert socket.close_code() == 3001
