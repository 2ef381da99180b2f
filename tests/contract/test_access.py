"""Who may follow and read what: tokens, sessions, and what looks the same."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.contract.clients import Client, Document, bearer, channel_of
from tests.contract.conftest import LogIn
from tests.contract.followers import TRANSPORTS, Follower, Refused
from tests.contract.forgery import FORGERIES, altered, lasting
from tests.contract.sockets import Socket
from tests.processes import Server
from tests.waiting import until

#: What there is to read and do with one job.
REQUESTS = [("GET", ""), ("GET", "/response"), ("GET", "/events"), ("POST", "/cancel")]
REQUESTS += [("POST", "/retry")]


@pytest.fixture
def ended(anyone: Client) -> Document:
    job = anyone.submit("test.echo", value="mine")
    anyone.finished(job)
    return job


def forget(server: Server, job: Document) -> None:
    """Remove a job's row, as the end of its retention does."""
    connection = sqlite3.connect(server.folder / "jobs.sqlite3", timeout=20)
    with connection:
        found = connection.execute(
            "DELETE FROM pushjobs_job WHERE id = ?", [UUID(job["id"]).hex]
        ).rowcount
    connection.close()
    assert found == 1


def refusal(follower: Follower, channel: str, token: str | None) -> Refused:
    with pytest.raises(Refused) as caught:
        follower.follow(channel, by=token).rest()
    return caught.value


def test_without_credentials_no_one_follows(follower: Follower, ended: Document) -> None:
    assert refusal(follower, channel_of(ended), None).code == "unauthorized"


@pytest.mark.parametrize("method_and_path", REQUESTS, ids=" ".join)
def test_without_credentials_every_request_is_challenged(
    anyone: Client, ended: Document, method_and_path: tuple[str, str]
) -> None:
    method, path = method_and_path
    own = anyone.http.request(method, f"/jobs/{ended['id']}{path}")
    unknown = anyone.http.request(method, f"/jobs/{uuid4()}{path}")
    for response in (own, unknown):
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="jobs"'
        assert response.headers["content-type"] == "application/problem+json"
    assert own.content == unknown.content


@pytest.mark.parametrize("method_and_path", [("GET", "/jobs"), ("POST", "/jobs/tokens")])
def test_without_a_login_there_are_no_jobs_of_ones_own(
    anyone: Client, method_and_path: tuple[str, str]
) -> None:
    response = anyone.http.request(*method_and_path, json={"channels": ["user:me"]})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_no_one_follows_with_a_forged_token(follower: Follower, ended: Document) -> None:
    refusals = {
        name: refusal(follower, channel_of(ended), forge(ended["token"])).code
        for name, forge in FORGERIES.items()
    }
    assert refusals == dict.fromkeys(FORGERIES, "unauthorized")


@pytest.mark.parametrize("path", ["", "/response", "/events"])
def test_nothing_is_read_with_a_forged_token(anyone: Client, ended: Document, path: str) -> None:
    for forge in FORGERIES.values():
        response = anyone.get(f"/jobs/{ended['id']}{path}", forge(ended["token"]))
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
        assert "mine" not in response.text


def test_a_token_of_another_job_opens_nothing(
    follower: Follower, anyone: Client, ended: Document
) -> None:
    other = anyone.submit("test.echo")
    foreign = refusal(follower, channel_of(ended), other["token"])
    unknown = refusal(follower, f"job:{uuid4()}", other["token"])
    assert foreign.code == unknown.code == "not_found"
    assert foreign.document | {"channel": ""} == unknown.document | {"channel": ""}


@pytest.mark.parametrize("method_and_path", REQUESTS, ids=" ".join)
def test_anothers_job_and_an_unknown_one_look_the_same(
    anyone: Client, log_in: LogIn, ended: Document, method_and_path: tuple[str, str]
) -> None:
    method, path = method_and_path
    owned = log_in("ann").submit("test.echo")
    bob = log_in("bob")
    answers = [
        client.http.request(method, f"/jobs/{job}{path}", headers=bearer(token))
        for client, token in ((bob, None), (anyone, ended["token"]))
        for job in (owned["id"], uuid4(), "no-uuid")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
    assert len({answer.content for answer in answers}) == 1


def test_an_id_that_is_no_uuid_is_an_unknown_job(follower: Follower, ended: Document) -> None:
    for name in ("no-uuid", "0", "null", "%00", "x" * 300, ended["id"] + "0"):
        assert refusal(follower, f"job:{name}", ended["token"]).code == "not_found"


def test_owners_follow_their_jobs_by_their_session(follower: Follower, log_in: LogIn) -> None:
    ann = log_in("ann")
    job = ann.submit("test.echo")
    told = follower.follow(channel_of(job), by=ann.credentials, cursor=job["cursor"]).rest()
    assert told[-1].type == "job.succeeded"


def test_no_user_follows_anothers_job(follower: Follower, log_in: LogIn) -> None:
    job = log_in("ann").submit("test.echo")
    with pytest.raises(Refused) as caught:
        follower.follow(channel_of(job), by=log_in("bob").credentials).rest()
    assert caught.value.code == "not_found"


def test_staff_with_the_permission_sees_all(follower: Follower, log_in: LogIn) -> None:
    job, staff = log_in("ann").submit("test.echo"), log_in("staff")
    told = follower.follow(channel_of(job), by=staff.credentials, cursor=job["cursor"]).rest()
    assert told[-1].type == "job.succeeded"
    assert staff.get(job["links"]["self"]).json()["id"] == job["id"]


def test_a_removed_job_is_gone_for_who_has_its_token(
    follower: Follower, anyone: Client, ended: Document
) -> None:
    other = anyone.submit("test.echo")
    forget(follower.server, ended)
    assert refusal(follower, channel_of(ended), ended["token"]).code == "gone"
    assert refusal(follower, channel_of(ended), other["token"]).code == "not_found"


def test_a_removed_job_is_unknown_to_who_has_no_token_of_its_own(
    follower: Follower, log_in: LogIn
) -> None:
    ann = log_in("ann")
    job = ann.submit("test.echo")
    ann.finished(job)
    forget(follower.server, job)
    with pytest.raises(Refused) as caught:
        follower.follow(channel_of(job), by=ann.credentials).rest()
    assert caught.value.code == "not_found"
    assert ann.get(job["links"]["self"]).status_code == 404


def test_a_removed_job_is_gone_for_who_cancels_it_over_a_socket(
    socket: Socket, anyone: Client, ended: Document
) -> None:
    forget(anyone.server, ended)
    socket.send(type="cancel", job=ended["id"], token=ended["token"])
    assert socket.receive()["code"] == "gone"


@pytest.mark.parametrize("method_and_path", REQUESTS, ids=" ".join)
def test_every_request_for_a_removed_job_says_that_it_is_gone(
    anyone: Client, ended: Document, method_and_path: tuple[str, str]
) -> None:
    method, path = method_and_path
    forget(anyone.server, ended)
    url = f"/jobs/{ended['id']}{path}"
    response = anyone.http.request(method, url, headers=bearer(ended["token"]))
    assert response.status_code == 410
    assert response.json()["type"] == "urn:pushjobs:problem:gone"


def test_streams_are_cut_when_their_token_expires(
    any_server: Server, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    anyone.started(job)
    token = lasting(job["token"], 2)

    def follow(transport: str) -> tuple[bool | None, list[str], Refused]:
        follower = Follower(any_server, transport)
        with follower.follow(channel_of(job), by=token, cursor=job["cursor"]) as following:
            told = following.until("job.output")
            with pytest.raises(Refused) as caught:
                told += following.rest()
        return following.recovered, [one.type for one in told], caught.value

    with ThreadPoolExecutor(len(TRANSPORTS)) as pool:
        for recovered, types, refused in pool.map(follow, TRANSPORTS):
            assert recovered is True
            assert types[-1] == "job.output"
            assert refused.code == "unauthorized"
            assert refused.document["detail"] == "the token has expired"


def test_a_page_that_waits_tells_nothing_after_its_token_expired(
    anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.hold_async", until=str(gate))
    anyone.started(job)
    url, accept = job["links"]["events"], {"Accept": "application/json"}
    cursor = anyone.get(url, job["token"], **accept).json()["cursor"]
    token = lasting(job["token"], 1)
    with ThreadPoolExecutor(1) as pool, Client(anyone.server) as other:
        waiting = pool.submit(
            other.get, f"{url}?cursor={cursor}", token, Prefer="wait=15", **accept
        )
        until(lambda: anyone.get(job["links"]["self"], token).status_code == 401)
        gate.touch()
        anyone.finished(job)
        page = waiting.result(timeout=20)
    assert page.json()["events"] == []


def test_a_session_is_not_in_place_of_a_bad_token(log_in: LogIn) -> None:
    ann = log_in("ann")
    job = ann.submit("test.echo")
    assert ann.get(job["links"]["self"]).status_code in (200, 202)
    assert ann.get(job["links"]["self"], "garbage").status_code == 401


@pytest.mark.parametrize("header", ["{token}", "Bearer {token}", "anything at all {token}"])
def test_the_header_of_the_settings_takes_the_token_as_its_last_part(
    anyone: Client, ended: Document, header: str
) -> None:
    text = header.format(token=ended["token"])
    for path in ("", "/response", "/events"):
        response = anyone.get(
            f"/jobs/{ended['id']}{path}",
            **{"X-JOB-AUTHORIZATION": text, "Accept": "application/json"},
        )
        assert response.status_code == 200


def test_a_token_for_reading_only_cancels_nothing(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    token = altered(job["token"], scope=["read"])
    assert anyone.get(job["links"]["self"], token).status_code == 202
    for action in ("cancel", "retry"):
        response = anyone.http.post(f"/jobs/{job['id']}/{action}", headers=bearer(token))
        assert response.status_code == 404
    gate.touch()
    assert anyone.finished(job)["status"] == "succeeded"
