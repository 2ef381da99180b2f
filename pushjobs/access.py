"""Who may do what: every read, subscribe and cancel goes through here.

An unknown job and a forbidden one look the same (``NotFound``); a caller who shows no credentials
at all is asked for some (``Unauthorized``), whatever the job.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model

from pushjobs import channels
from pushjobs.exceptions import (
    BadRequest,
    Forbidden,
    Gone,
    NotFound,
    Unauthorized,
    UnknownJobName,
)
from pushjobs.logins import Login
from pushjobs.models import Job
from pushjobs.registry import JobSpec
from pushjobs.tokens import CANCEL, READ, Token

_PERMISSION = {READ: "pushjobs.view_job", CANCEL: "pushjobs.change_job"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a logged-in user, a token, or neither; a token, where there is one, decides.

    ``address`` is the connection's peer, as the server gives it, or "" where it has none, and
    ``login`` what a connection without a token rests on.
    """

    user: Any = None
    token: Token | None = None
    address: str = ""
    login: Login | None = None

    @property
    def user_id(self) -> Any:
        """The user whose channels ``user:me`` and ``tag:<name>`` are, or None."""
        if self.token is not None:
            return self.token.subject if self.token.kind == "user" else None
        return self.user.pk if self.user is not None else None

    @property
    def expires(self) -> float | None:
        """When the caller's right ends, in seconds since the epoch; None for a session."""
        return self.token.expires if self.token else None


def holder(token: Token) -> Caller:
    """Who holds a verified token; of a deactivated user's, no one: raises ``Unauthorized``."""
    if token.kind == "user":
        users = get_user_model().objects.filter(pk=token.subject, is_active=True)
        if not users.exists():
            raise Unauthorized("the token's user may not log in any more", error="invalid_token")
    return Caller(token=token)


def may_submit(caller: Caller, spec: JobSpec) -> None:
    """Raises ``Unauthorized`` or ``Forbidden`` where the caller may not submit this job."""
    user = caller.user
    if spec.allow == "internal":
        raise UnknownJobName(f"{spec.name!r} is not submitted by name")
    if user is not None and not user.is_active:
        raise Forbidden("this user has been deactivated")
    if spec.allow == "anyone":
        return
    if callable(spec.allow):
        allowed = spec.allow(user)
    elif user is None:
        allowed = False
    elif spec.allow == "authenticated":
        allowed = True
    elif spec.allow == "staff":
        allowed = _is_staff(user)
    else:
        allowed = user.has_perm(spec.allow)
    if not allowed:
        if user is None:
            raise Unauthorized("log in to submit this job")
        raise Forbidden("this user may not submit this job")


def job(caller: Caller, job_id: UUID, found: Job | None, scope: str = READ) -> Job:
    """The job ``found`` under ``job_id``, if the caller may have it; else the fitting error."""
    _require_credentials(caller)
    if caller.token is not None and caller.token.covers(channels.of_job(job_id), scope):
        if found is None:
            raise Gone("the job was removed when its retention ended")
        return found
    if found is None or not _owns(caller, found, scope):
        raise NotFound()
    return found


async def ajob(caller: Caller, job_id: UUID, found: Job | None, scope: str = READ) -> Job:
    """As ``job``, on an event loop. The permissions of staff are read from the database."""
    if caller.token is None and caller.user is not None and _is_staff(caller.user):
        allowed: Job = await _job_in_thread(caller, job_id, found, scope)
        return allowed
    return job(caller, job_id, found, scope)


_job_in_thread = database_sync_to_async(job, thread_sensitive=False)


def may_cancel(caller: Caller, found: Job) -> bool:
    """Whether who reads a job may cancel it too: a token may be for reading only, staff as well."""
    try:
        job(caller, found.id, found, CANCEL)
    except (NotFound, Unauthorized):
        return False
    return True


def sent(caller: Caller, found: Job) -> bool:
    """Whether who reads a job is the client that it is for, and no one who may only read it.

    Staff are not, nor who has joined a stranger's job, nor who holds a token that a user has made
    for others.
    """
    if caller.token is not None:
        return caller.token.kind == "job" and CANCEL in caller.token.scope
    return bool(caller.user_id == found.owner_id)


def channel(caller: Caller, name: str) -> str:
    """The log's name of a channel, by the name that the caller uses for it.

    For a job's channel, check the job with ``job`` as well.
    """
    _require_credentials(caller)
    match name.split(":", 1):
        case ["job", text]:
            return channels.of_job(job_id(text))
        case ["user", "me"]:
            return channels.of_user(_user_of(caller, name))
        case ["tag", tag] if 0 < len(tag) <= 100 and tag.isprintable():
            return channels.of_tag(_user_of(caller, name), tag)
        case _:
            raise NotFound()


def job_id(text: str) -> UUID:
    """A job's id; an id that is no UUID is an unknown job."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound() from None


def grantable(caller: Caller, names: Iterable[str], scope: Iterable[str]) -> None:
    """Whether the caller may hand out a token for channels; only a logged-in user may."""
    if caller.user is None or caller.token is not None:
        raise Unauthorized("log in to make a token")
    for name in names:
        if channels.kind(name) == channels.JOB:
            raise BadRequest(
                "a token for one job comes with the job; ask for user:me or tag:<name>"
            )
        channel(caller, name)


def _require_credentials(caller: Caller) -> None:
    if caller.user is None and caller.token is None:
        raise Unauthorized("send a token, or log in")


def _user_of(caller: Caller, name: str) -> Any:
    if caller.token is not None and not caller.token.covers(name, READ):
        raise NotFound()
    if caller.user_id is None:
        raise NotFound()
    return caller.user_id


def _owns(caller: Caller, found: Job, scope: str) -> bool:
    if caller.token is not None:
        return _token_owns(caller.token, found, scope)
    user = caller.user
    if found.owner_id is not None and found.owner_id == user.pk:
        return True
    return bool(_is_staff(user) and user.has_perm(_PERMISSION[scope]))


def _is_staff(user: Any) -> bool:
    """A project's own model of users need not have any."""
    return bool(getattr(user, "is_staff", False))


def _token_owns(token: Token, found: Job, scope: str) -> bool:
    """A user's token opens the jobs that its channels carry."""
    if token.kind != "user" or str(found.owner_id) != token.subject:
        return False
    names = {channels.public(name) for name in found.channels()}
    return any(token.covers(name, scope) for name in names)
