"""Limits on what one user, one address and one process have open, and on how long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.contract.clients import Client, Document, bearer, unique
from tests.contract.sockets import Socket, connected
from tests.processes import Server, serve
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("admission")

PAGE = {"Accept": "application/json"}
LIMITS = {
    "MAX_CONNECTIONS": 8,
    "MAX_USER_CONNECTIONS": 3,
    "MAX_ADDRESS_CONNECTIONS": 2,
    "MAX_USER_CHANNELS": 4,
}
_ADDRESSES = count(1)


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def limited(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of low limits, which believes what is said of where a client is."""
    folder, kind = tmp_path_factory.mktemp(f"limited-{request.param}"), request.param
    with serve(folder, kind=kind, settings=LIMITS, options=("--proxy-headers",)) as server:
        yield server


def elsewhere() -> dict[str, str]:
    """Headers of a client at an address of its own."""
    return {"X-Forwarded-For": f"198.51.100.{next(_ADDRESSES)}"}


@pytest.fixture
def job(limited: Server) -> Iterator[Document]:
    """A job in which nothing happens."""
    with Client(limited) as client:
        client.http.headers.update(elsewhere())
        response = client.post("test.echo", run_at="2099-01-01T00:00:00Z")
        yield response.json()


class Place:
    """Opens connections with the same headers, over each transport."""

    def __init__(self, server: Server, url: str, **headers: str) -> None:
        self.server = server
        self.url = url
        self.headers = headers

    @contextmanager
    def stream(self) -> Iterator[None]:
        with (
            Client(self.server) as client,
            client.http.stream("GET", self.url, headers=self.headers) as response,
        ):
            assert response.status_code == 200
            yield

    def socket(self) -> AbstractContextManager[Socket]:
        return connected(self.server, **self.headers)

    def get(self, **headers: str) -> httpx.Response:
        """The answer to a request for events, up to the first of a stream's."""
        with (
            Client(self.server) as client,
            client.http.stream("GET", self.url, headers=self.headers | headers) as response,
        ):
            if response.status_code != 200 or headers:
                response.read()
            return response

    def close_code(self) -> int | None:
        """With which code a new socket is closed in place of its first frame, if it is."""
        with self.socket() as socket, suppress(ConnectionClosed):
            assert socket.receive()["type"] == "welcome"
            return None
        return socket.close_code()

    def check_refused(self) -> None:
        for answer in (self.get(), self.get(**PAGE)):
            check_limit(answer)
        assert self.close_code() == 3502

    def check_let_in(self) -> None:
        """The server hears of it in its own time that a client has left."""
        until(lambda: self.get().status_code == 200)
        until(lambda: self.get(**PAGE).status_code == 200)
        until(lambda: self.close_code() is None)


def check_limit(answer: httpx.Response) -> None:
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert 5 <= int(answer.headers["retry-after"]) <= 15
    assert answer.json()["type"] == "urn:pushjobs:problem:limit-exceeded"


def test_one_address_has_so_many_connections(limited: Server, job: Document) -> None:
    here = Place(limited, job["links"]["events"], **bearer(job["token"]), **elsewhere())
    there = Place(limited, job["links"]["events"], **bearer(job["token"]), **elsewhere())
    with here.stream():
        with here.socket() as socket:
            assert socket.receive()["type"] == "welcome"
            here.check_refused()
            there.check_let_in()
        here.check_let_in()


def test_one_user_has_so_many_connections_from_wherever(limited: Server, job: Document) -> None:
    with Client(limited, unique("ann")) as ann, Client(limited, unique("bob")) as bob:
        url = "/jobs/events?channel=user:me"

        def place(user: Client) -> Place:
            return Place(limited, url, **user.credentials.headers(), **elsewhere())

        with place(ann).stream(), place(ann).socket() as socket:
            assert socket.receive()["type"] == "welcome"
            with place(ann).stream():
                place(ann).check_refused()
                place(bob).check_let_in()
            place(ann).check_let_in()


def test_one_user_has_so_many_channels_on_all_connections(limited: Server) -> None:
    with Client(limited, unique("ann")) as ann, ExitStack() as stack:
        url = "/jobs/events?channel=tag:1&channel=tag:2"
        place = Place(limited, url, **ann.credentials.headers(), **elsewhere())
        socket = stack.enter_context(place.socket())
        for number in range(3):
            socket.send(type="subscribe", channel=f"tag:{number}")
            assert socket.receive("subscribed", "error")["type"] == "subscribed"
        check_limit(place.get())
        check_limit(place.get(**PAGE))
        socket.send(type="subscribe", channel="tag:3")
        assert socket.receive("subscribed", "error")["type"] == "subscribed"
        socket.send(type="subscribe", channel="tag:4")
        refused = socket.receive("subscribed", "error")
        assert (refused["code"], refused["channel"]) == ("limit_exceeded", "tag:4")
        assert "4 channels" in refused["detail"]

        # What is given up, and what is refused, is not counted.
        socket.send(type="unsubscribe", channel="tag:3")
        socket.receive("unsubscribed")
        for _ in range(5):
            socket.send(type="subscribe", channel="job:none-such")
            assert socket.receive("subscribed", "error")["code"] == "not_found"
        socket.send(type="subscribe", channel="tag:4")
        assert socket.receive("subscribed", "error")["type"] == "subscribed"
        stack.close()
        until(lambda: place.get().status_code == 200)


def test_a_wait_over_the_limit_is_answered_at_once(limited: Server, job: Document) -> None:
    here = Place(limited, job["links"]["events"], **bearer(job["token"]), **elsewhere())
    with here.stream(), here.stream(), Client(limited) as client:
        # A client's patience is shorter than the wait.
        document = client.get(job["links"]["self"], Prefer="wait=60", **here.headers)
        assert (document.status_code, document.json()["status"]) == (202, "scheduled")
        response = client.get(job["links"]["response"], Prefer="wait=60", **here.headers)
        assert response.status_code == 202


def test_a_full_process_says_so(limited: Server, job: Document) -> None:
    url, token = job["links"]["events"], bearer(job["token"])

    def full() -> bool:
        place = Place(limited, url, **token, **elsewhere())
        try:
            socket = stack.enter_context(place.socket())
        except InvalidStatus as refused:
            check_refusal(refused)
            return True
        assert socket.receive()["type"] == "welcome"
        return False

    def check_refusal(refused: InvalidStatus) -> None:
        if limited.kind == "daphne":  # It can say no more than that.
            assert refused.response.status_code == 403
        else:
            assert refused.response.status_code == 503
            assert refused.response.headers["Retry-After"] == "1"
            problem = json.loads(refused.response.body)
            assert problem["type"] == "urn:pushjobs:problem:server-busy"

    with ExitStack() as stack:
        until(full)
        place = Place(limited, url, **token, **elsewhere())
        for answer in (place.get(), place.get(**PAGE)):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["type"] == "urn:pushjobs:problem:server-busy"
        with Client(limited) as client:
            document = client.get(job["links"]["self"], Prefer="wait=60", **place.headers)
            assert document.status_code == 202
            assert "preference-applied" not in document.headers
    place.check_let_in()


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def ageing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server on which no connection grows old."""
    folder = tmp_path_factory.mktemp(f"ageing-{request.param}")
    with serve(folder, kind=request.param, settings={"MAX_CONNECTION_AGE": 0.5}) as server:
        yield server


def test_who_is_sent_away_for_age_comes_back_and_misses_nothing(ageing: Server, gate: Path) -> None:
    with Client(ageing) as client:
        job = client.submit("test.talk", words=3, until=str(gate))
        with connected(ageing) as socket:
            assert socket.subscribe(job, cursor=job["cursor"])["recovered"] is True
            frames = []
            with suppress(ConnectionClosed):
                while True:
                    frames.append(socket.receive("event"))
            assert socket.close_code() == 3001

        response = client.get(
            job["links"]["events"], job["token"], **{"Last-Event-ID": job["cursor"]}
        )
        *blocks, last, rest = response.text.split("\n\n")
        assert last.startswith("retry: ")
        assert rest == ""
        ids = [line for block in blocks for line in block.splitlines() if line.startswith("id: ")]
        assert [f"id: {frame['cursor']}" for frame in frames] == ids

        cursor = frames[-1]["cursor"]
        url = f"{job['links']['events']}?cursor={cursor}"
        page = client.get(url, job["token"], Prefer="wait=60", **PAGE)
        assert (page.status_code, page.json()["events"]) == (200, [])

        gate.touch()
        client.finished(job)
        whole = client.get(f"{job['links']['events']}?cursor=earliest", job["token"], **PAGE)
        cursors = [item["cursor"] for item in whole.json()["events"]]
        with connected(ageing) as socket:
            assert socket.subscribe(job, cursor=cursor)["recovered"] is True
            later = []
            while not later or later[-1]["event"]["type"] != "job.succeeded":
                later.append(socket.receive("event"))
        assert [frame["cursor"] for frame in frames + later] == cursors
