"""Names of channels: as the client says them, and as the log keeps them.

==================  =====================  ==================================
client              log                    carries
==================  =====================  ==================================
``job:<id>``        ``job:<id>``           one job's events
``user:me``         ``user:<user id>``     the events of all the user's jobs
``tag:<name>``      ``tag:<id>:<name>``    those of the user's jobs so tagged
==================  =====================  ==================================

A tag is kept per owner, so that no one reads another's by guessing its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

JOB, USER, TAG = "job", "user", "tag"
ME = "user:me"


def of_job(job_id: UUID | str) -> str:
    return f"{JOB}:{job_id}"


def of_user(user_id: object) -> str:
    return f"{USER}:{user_id}"


def of_tag(user_id: object, name: str) -> str:
    return f"{TAG}:{user_id}:{name}"


def of_everything(job_id: UUID, owner_id: object | None, tags: Iterable[str]) -> tuple[str, ...]:
    """All channels that carry the events of a job."""
    if owner_id is None:
        return (of_job(job_id),)
    return (of_job(job_id), of_user(owner_id), *(of_tag(owner_id, name) for name in tags))


def kind(channel: str) -> str:
    """``job``, ``user`` or ``tag``; of either form."""
    return channel.partition(":")[0]


def public(channel: str) -> str:
    """The client's name of a channel of the log."""
    match channel.split(":", 2):
        case ["user", _]:
            return ME
        case ["tag", _, name]:
            return f"{TAG}:{name}"
        case _:
            return channel
