"""The client for Python against really running servers: every transport, and each change of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from pushjobs.client import (
    AsyncClient,
    Client,
    Event,
    Job,
    JobCancelled,
    JobFailed,
    JobState,
    Patience,
    Refused,
    reduce,
)
from tests.acceptance.narrow import narrow
from tests.processes import NO_TLS, Server, serve

TRANSPORTS = ["websocket", "sse", "long-polling"]
TALK = ["job.queued", "job.started", "job.succeeded"]


def client(url: str, *transports: str, **options: Any) -> Client:
    options.setdefault("transports", transports or TRANSPORTS)
    return Client(url, ssl_context=NO_TLS, **options)


def session(server: Server, user: str) -> dict[str, str]:
    """The headers of one who has logged in."""
    with server.client() as http:
        csrf = http.get(f"/test-login/{user}").text
        cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    return {"Cookie": cookies, "X-CSRFToken": csrf}


def said(events: list[Event]) -> str:
    state = JobState()
    for event in events:
        state = reduce(state, event)
    assert state.output_complete
    return state.output


def statuses(events: list[Event]) -> list[str]:
    return [event.type for event in events if event.type not in ("job.output", "job.progress")]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_job_is_followed_and_taken_up_in_its_midst(server: Server, transport: str) -> None:
    with client(server.url, transport) as own:
        job = own.submit("test.talk", {"words": 3}, tags=["a"])
        events = list(own.follow(job))
        assert statuses(events) == TALK
        assert said(events) == "word-0 word-1 word-2 "
        middle = next(place for place, event in enumerate(events) if event.cursor) + 1
        rest = list(own.follow(job, cursor=events[middle - 1].cursor))
        assert [event.cursor for event in rest] == [event.cursor for event in events[middle:]]
        assert list(own.follow(job, cursor=events[-1].cursor)) == []
        (snapshot,) = own.follow(job.channel, token=job.token)
        assert (snapshot.type, snapshot.data["tags"]) == ("job.snapshot", ["a"])


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_same_with_everything_awaited(server: Server, transport: str) -> None:
    async with AsyncClient(server.url, transports=[transport], ssl_context=NO_TLS) as own:
        job = await own.submit("test.talk", {"words": 3})
        events = [event async for event in own.follow(job)]
        assert statuses(events) == TALK
        assert said(events) == "word-0 word-1 word-2 "
        assert [event async for event in own.follow(job, cursor=events[-1].cursor)] == []
        assert await own.result(job, timeout=20) == {"words": 3}
        with pytest.raises(Refused) as refused:
            await own.get("0192f3c8-7d1e-7c55-9a64-0c1f6a2b3c4d")
        assert refused.value.code == "unauthorized"


def test_results_and_responses_of_each_kind(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("a,b\n")
    with client(server.url) as own:
        made = {
            kind: own.submit("test.result", {"kind": kind, "path": str(path)})
            for kind in ("text", "bytes", "none", "big", "file")
        }
        results = {kind: own.result(job, timeout=20) for kind, job in made.items()}
        assert results.pop("big") == {"text": "x" * 40_000}
        assert results.pop("file") == {"rows": 2}
        assert results == {"text": "plain ✓", "bytes": b"\x00\x01\xff", "none": None}
        assert own.response(made["file"]).text == "a,b\n"
        answer = own.response(own.submit("test.result", {"kind": "http"}), timeout=20)
        assert (answer.status_code, answer.headers["x-made-by"]) == (203, "job")


def test_what_became_of_a_job_that_has_no_result(server: Server, gate: Path) -> None:
    with client(server.url) as own:
        with pytest.raises(JobFailed) as failed:
            own.result(own.submit("test.refuse"), timeout=20)
        assert (failed.value.status, failed.value.problem["seats"]) == (409, 0)
        assert str(failed.value) == "no more seats"
        job = own.submit("test.hold", {"until": str(gate)})
        with pytest.raises(TimeoutError):
            own.result(job, timeout=0.3)
        own.cancel(job)
        with pytest.raises(JobCancelled):
            own.result(job, timeout=20)
        again = own.retry(own.get(job))
        gate.touch()
        assert own.result(again, timeout=20) == "released"
        with pytest.raises(Refused) as refused:
            own.submit("test.nothing")
        assert refused.value.code == "unknown-job-name"


def test_files_go_along_and_a_key_makes_one_job(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"12")
    with client(server.url) as own:
        job = own.submit("test.digest", {"note": "x"}, files={"data": path}, wait=20)
        assert job.over
        assert own.result(job)["name"] == "data.bin"
        names = own.submit("test.names", files={"tables": [("a", b""), ("b", b"")]}, wait=20)
        assert names.result == ["a", "b"]
        key = "0192f3c8-7d1e-4c55-9a64-one"
        one, two = (own.submit("test.echo", idempotency_key=key).id for _ in range(2))
        assert one == two


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_user_follows_and_lists_their_jobs(server: Server, transport: str) -> None:
    headers = session(server, f"lister-{transport}")
    with client(server.url, transport, headers=headers) as own:
        first = own.submit("test.echo", {"value": 1}, tags=["batch"])
        own.result(first, timeout=20)
        follower = own.follow("tag:batch")
        assert next(follower).data["id"] == first.id
        second = own.submit("test.echo", {"value": 2}, tags=["batch"])
        for event in follower:
            if event.terminal:
                assert event.job == second.id
                break
        follower.close()
        assert [job.id for job in own.list(tag="batch")] == [second.id, first.id]
        page = own.list(limit=1)
        assert [job.id for job in own.list(after=page.next)] == [first.id]


@pytest.mark.parametrize("streams", [True, False])
def test_it_falls_to_what_the_network_lets_through(
    server: Server, gate: Path, streams: bool
) -> None:
    """Without sockets at all; then with streams that stay silent, too."""
    with narrow(server, streams=streams) as url:
        own = client(url, "websocket", "sse", "polling", patience=Patience(opening=1, wait=2))
        with own:
            job = own.submit("test.hold", {"until": str(gate)})
            events = []
            for event in own.follow(job):
                events.append(event)
                if event.type == "job.output":
                    gate.touch()
        assert statuses(events) == TALK
        assert said(events) == "holding\n"
        assert own._api.known_good == ("sse" if streams else "long-polling")


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may be killed."""
    with serve(tmp_path_factory.mktemp("mortal")) as running:
        yield running


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_follower_outlives_the_server(mortal: Server, gate: Path, transport: str) -> None:
    with client(mortal.url, transport) as own:
        job = own.submit("test.hold", {"until": str(gate)})
        state = JobState()
        told = []
        for event in own.follow(job):
            told.append(event)
            state = reduce(state, event)
            if event.type == "job.output" and event.attempt == 1:
                mortal.kill()
                mortal.start()
                gate.touch()
        assert own.get(job).attempt == 2
    assert told[-1].terminal
    assert (state.status, state.result, state.attempt) == ("succeeded", "released", 2)
    cursors = [event.cursor for event in told if event.cursor]
    assert len(cursors) == len(set(cursors))


@dataclass
class Purse:
    """Gets tokens that last for a second; the job may end once one has been got anew."""

    server: Server
    gate: Path
    headers: dict[str, str]
    given: int = 0

    def token(self) -> str:
        body = {"channels": ["user:me"], "scope": ["read"], "expires_in": 1}
        url = f"{self.server.url}/jobs/tokens"
        answer = httpx.post(url, json=body, headers=self.headers, verify=NO_TLS)
        self.given += 1
        if self.given > 2:
            self.gate.touch()
        return str(answer.json()["token"])

    async def token_later(self) -> str:
        return await asyncio.to_thread(self.token)


@pytest.fixture
def purse(server: Server, gate: Path) -> Purse:
    return Purse(server, gate, session(server, "renewer"))


def held(purse: Purse) -> Job:
    with client(purse.server.url, headers=purse.headers) as owner:
        return owner.submit("test.hold", {"until": str(purse.gate)})


def test_tokens_that_expire_in_mid_job_are_got_anew(purse: Purse) -> None:
    job = held(purse)
    with client(purse.server.url, "websocket", token=purse.token) as phone:
        events = list(phone.follow(job.channel, cursor=job.cursor))
    assert statuses(events) == TALK
    assert said(events) == "holding\n"
    assert purse.given > 2


async def test_tokens_are_got_anew_by_coroutines_too(purse: Purse) -> None:
    job = await asyncio.to_thread(held, purse)
    phone = AsyncClient(
        purse.server.url, token=purse.token_later, transports=["sse"], ssl_context=NO_TLS
    )
    async with phone:
        events = [event async for event in phone.follow(job.channel, cursor=job.cursor)]
    assert statuses(events) == TALK
    assert said(events) == "holding\n"
    assert purse.given > 2
