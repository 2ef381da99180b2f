"""Channels beyond one job's: a user's jobs, those under a tag, and several at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.clients import Client, channel_of
from tests.contract.conftest import LogIn
from tests.contract.followers import Credentials, Follower, Refused, Told

Identify = Callable[[Client, str], Credentials]


def by_session(client: Client, channel: str) -> Credentials:
    return client.credentials


def by_token(client: Client, channel: str) -> Credentials:
    response = client.http.post("/jobs/tokens", json={"channels": [channel]})
    assert response.status_code == 200, response.text
    return Credentials(response.json()["token"])


@pytest.fixture(params=[by_session, by_token], ids=["session", "token"])
def identify(request: pytest.FixtureRequest) -> Identify:
    """How a user shows who they are."""
    found: Identify = request.param
    return found


def types_of(told: list[Told], job: dict[str, str]) -> list[str]:
    return [item.type for item in told if item.event["job"] == job["id"]]


def test_user_me_tells_of_all_the_callers_jobs_and_no_others(
    follower: Follower, log_in: LogIn, identify: Identify
) -> None:
    ann, bob = log_in("ann"), log_in("bob")
    first = ann.submit("test.echo")
    ann.finished(first)
    with follower.follow("user:me", by=identify(ann, "user:me")) as following:
        snapshot = next(following)
        foreign = bob.submit("test.echo")
        bob.finished(foreign)
        second = ann.submit("test.echo")
        told = following.until("job.succeeded")
    assert (snapshot.type, snapshot.event["job"]) == ("job.snapshot", first["id"])
    assert snapshot.event["channel"] == "user:me"
    assert types_of(told, second) == ["job.queued", "job.started", "job.succeeded"]
    assert types_of(told, foreign) == []


def test_a_tag_tells_of_the_callers_jobs_under_it(
    follower: Follower, log_in: LogIn, identify: Identify
) -> None:
    ann, bob = log_in("ann"), log_in("bob")
    first = ann.submit("test.echo", tags=("batch", "other"))
    ann.finished(first)
    with follower.follow("tag:batch", by=identify(ann, "tag:batch")) as following:
        snapshot = next(following)
        foreign = bob.submit("test.echo", tags=("batch",))
        bob.finished(foreign)
        untagged = ann.submit("test.echo", tags=("other",))
        ann.finished(untagged)
        second = ann.submit("test.echo", tags=("batch",))
        told = following.until("job.succeeded")
    assert (snapshot.type, snapshot.event["job"]) == ("job.snapshot", first["id"])
    assert snapshot.event["channel"] == "tag:batch"
    assert types_of(told, second) == ["job.queued", "job.started", "job.succeeded"]
    assert types_of(told, foreign) == types_of(told, untagged) == []


def test_a_client_of_many_jobs_comes_back_to_the_rest(follower: Follower, log_in: LogIn) -> None:
    ann = log_in("ann")
    ann.finished(ann.submit("test.echo"))
    with follower.follow("user:me", by=ann.credentials) as following:
        next(following)
        cursor = following.cursor
    second, third = ann.submit("test.echo"), ann.submit("test.echo")
    for job in (second, third):
        ann.finished(job)
    with follower.follow("user:me", by=ann.credentials, cursor=cursor) as following:
        told = [next(following) for _ in range(6)]
        assert following.recovered is True
    for job in (second, third):
        assert types_of(told, job) == ["job.queued", "job.started", "job.succeeded"]


def test_several_channels_share_one_connection_and_one_cursor(
    follower: Follower, log_in: LogIn, gate: Path
) -> None:
    ann = log_in("ann")
    jobs = [ann.submit("test.hold", until=str(gate), tags=["batch"]) for _ in range(2)]
    names = [*map(channel_of, jobs), "tag:batch"]
    for job in jobs:
        ann.started(job)
    with follower.follow(*names, by=ann.credentials) as following:
        snapshots = [next(following) for _ in range(4)]
        cursor = following.cursor
    assert {item.type for item in snapshots} <= {"job.snapshot", "job.output"}
    gate.touch()
    for job in jobs:
        ann.finished(job)
    missing = {
        (name, job["id"])
        for name in names
        for job in jobs
        if name in (f"job:{job['id']}", "tag:batch")
    }
    with follower.follow(*names, by=ann.credentials, cursor=cursor) as following:
        while missing:
            told = next(following)
            assert told.type in ("job.output", "job.succeeded")
            if told.type == "job.succeeded":
                missing.remove((told.event["channel"], told.event["job"]))
        assert following.recovered is True


NO_CHANNELS = ["user:you", "user:1", "user:", "job:", "job:me", "tag:", "tag:" + "x" * 101]
NO_CHANNELS += ["nonsense", ""]


def test_a_channel_that_is_none_is_not_found(follower: Follower, log_in: LogIn) -> None:
    ann = log_in("ann")
    for channel in NO_CHANNELS:
        with pytest.raises(Refused) as caught:
            follower.follow(channel, by=ann.credentials).rest()
        assert caught.value.code == "not_found"


@pytest.mark.parametrize("channel", ["user:me", "tag:other"])
def test_a_token_opens_only_the_channels_that_it_names(
    follower: Follower, log_in: LogIn, channel: str
) -> None:
    with pytest.raises(Refused) as caught:
        follower.follow(channel, by=by_token(log_in("ann"), "tag:batch")).rest()
    assert caught.value.code == "not_found"


def test_a_users_token_opens_the_jobs_that_its_channels_carry(
    follower: Follower, log_in: LogIn
) -> None:
    ann = log_in("ann")
    tagged, untagged = ann.submit("test.echo", tags=("batch",)), ann.submit("test.echo")
    token = by_token(ann, "tag:batch")
    following = follower.follow(channel_of(tagged), by=token, cursor=tagged["cursor"])
    assert following.rest()[-1].type == "job.succeeded"
    with pytest.raises(Refused) as caught:
        follower.follow(channel_of(untagged), by=token).rest()
    assert caught.value.code == "not_found"


def test_a_jobs_token_opens_no_user_channel(follower: Follower, log_in: LogIn) -> None:
    job = log_in("ann").submit("test.echo")
    with pytest.raises(Refused) as caught:
        follower.follow("user:me", by=job["token"]).rest()
    assert caught.value.code == "not_found"
