"""Cursors: where a client left off, on any transport."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushjobs.cursor import Cursor, Position
from tests.contract.clients import Client, Document, channel_of
from tests.contract.followers import TRANSPORTS, Follower, Refused, Told


@pytest.fixture
def ended(anyone: Client) -> Document:
    """A job that is over, with a few events of its own."""
    job = anyone.submit("test.talk", words=6)
    anyone.finished(job)
    return job


def told_of(follower: Follower, job: Document, cursor: str | None) -> list[Told]:
    with follower.follow(channel_of(job), by=job["token"], cursor=cursor) as following:
        return following.rest()


def position_of(job: Document) -> Position:
    [start] = Cursor.decode(job["cursor"], [channel_of(job)]).starts
    assert start.position is not None
    return start.position


def test_any_cursor_gives_exactly_the_rest(follower: Follower, ended: Document) -> None:
    told = told_of(follower, ended, ended["cursor"])
    assert len(told) >= 4
    for place, item in enumerate(told):
        with follower.follow(channel_of(ended), by=ended["token"], cursor=item.cursor) as following:
            assert following.rest() == told[place + 1 :]
            assert following.recovered is True


def test_a_client_that_comes_back_misses_and_repeats_nothing(
    follower: Follower, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.talk", words=50, pause=0.005, until=str(gate))
    told: list[Told] = []
    cursor = job["cursor"]
    for _ in range(3):
        with follower.follow(channel_of(job), by=job["token"], cursor=cursor) as following:
            told += following.until("job.output")
            cursor = told[-1].cursor
    gate.touch()
    told += told_of(follower, job, cursor)
    assert told == told_of(follower, job, job["cursor"])


def test_a_change_of_transport_in_mid_job_misses_and_repeats_nothing(
    follower: Follower, anyone: Client, gate: Path
) -> None:
    job = anyone.submit("test.talk", words=50, pause=0.005, until=str(gate))
    told: list[Told] = []
    cursor = job["cursor"]
    names = list(TRANSPORTS)
    first = names.index(follower.transport)
    for name in names[first:] + names[:first]:
        other = Follower(follower.server, name)
        with other.follow(channel_of(job), by=job["token"], cursor=cursor) as following:
            told += following.until("job.output")
            cursor = told[-1].cursor
            assert following.recovered is True
    gate.touch()
    told += told_of(follower, job, cursor)
    assert told == told_of(follower, job, job["cursor"])


def test_earliest_replays_all_that_is_kept(follower: Follower, ended: Document) -> None:
    with follower.follow(channel_of(ended), by=ended["token"], cursor="earliest") as following:
        told = following.rest()
    assert told == told_of(follower, ended, ended["cursor"])
    assert told[0].type == "job.queued"
    assert following.recovered is True


def test_from_the_end_there_is_nothing_to_tell(follower: Follower, ended: Document) -> None:
    last = told_of(follower, ended, ended["cursor"])[-1]
    with follower.follow(channel_of(ended), by=ended["token"], cursor=last.cursor) as following:
        assert following.rest() == []
        assert following.recovered is True


def test_a_snapshot_of_the_end_is_an_end_to_come_back_from(
    follower: Follower, ended: Document
) -> None:
    [snapshot] = told_of(follower, ended, None)
    assert told_of(follower, ended, snapshot.cursor) == []


@pytest.mark.parametrize("kind", ["older epoch", "future"])
@pytest.mark.parametrize("running", [True, False], ids=["running", "over"])
def test_what_cannot_be_recovered_is_told_with_a_snapshot(
    follower: Follower, anyone: Client, gate: Path, kind: str, running: bool
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    with follower.follow(channel_of(job), by=job["token"], cursor=job["cursor"]) as following:
        following.until("job.output")  # What the log lacks yet is told again after a snapshot.
    if not running:
        gate.touch()
        anyone.finished(job)
    true = position_of(job)
    wrong = Position("0ld", 3) if kind == "older epoch" else Position(true.epoch, 10_000)
    cursor = Cursor.encode_one(channel_of(job), wrong)
    with follower.follow(channel_of(job), by=job["token"], cursor=cursor) as following:
        snapshot = next(following)
        gate.touch()
        told = following.rest()
    assert snapshot.type == "job.snapshot"
    assert snapshot.data["recovered"] is False
    assert snapshot.data["status"] == ("running" if running else "succeeded")
    assert following.recovered is False
    assert [item.type for item in told if item.type != "job.output"] == (
        ["job.succeeded"] if running else []
    )


def test_garbage_is_no_cursor(follower: Follower, ended: Document) -> None:
    own = ended["cursor"]
    garbage = ["garbage", "~", "-~-", "0.0.0", f"{own}~{own}", f"{own}x", f"-{own}", "9" * 300]
    for cursor in garbage:
        with pytest.raises(Refused) as caught:
            told_of(follower, ended, cursor)
        assert caught.value.code == "invalid_cursor"
        assert caught.value.document.get("status", 400) == 400


def test_the_cursor_of_another_channel_is_refused(
    follower: Follower, anyone: Client, ended: Document
) -> None:
    other = anyone.submit("test.echo")
    with pytest.raises(Refused) as caught:
        told_of(follower, ended, other["cursor"])
    assert caught.value.code == "invalid_cursor"
    assert caught.value.document.get("status", 400) == 400
