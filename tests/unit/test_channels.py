"""``pushjobs.channels``: the client's names and the log's."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pushjobs import channels
from tests.unit.records import JOB


def test_a_job_without_an_owner_is_told_in_its_own_channel_only() -> None:
    assert channels.of_everything(UUID(JOB), None, ["a"]) == (f"job:{JOB}",)


def test_an_owned_job_is_told_to_its_owner_and_by_each_tag() -> None:
    found = channels.of_everything(UUID(JOB), 7, ["a", "b:c"])
    assert found == (f"job:{JOB}", "user:7", "tag:7:a", "tag:7:b:c")
    assert [channels.kind(name) for name in found] == ["job", "user", "tag", "tag"]
    assert [channels.public(name) for name in found] == [
        f"job:{JOB}",
        "user:me",
        "tag:a",
        "tag:b:c",
    ]


@given(st.integers(1, 99), st.text(), st.integers(1, 99), st.text())
def test_two_owners_never_share_a_tags_channel(one: int, a: str, other: int, b: str) -> None:
    same = channels.of_tag(one, a) == channels.of_tag(other, b)
    assert same == ((one, a) == (other, b))
