"""``pushjobs.access``: who may submit, read, cancel and follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from pushjobs import access, registry
from pushjobs.access import Caller
from pushjobs.exceptions import BadRequest, Forbidden, Gone, NotFound, PushjobsError, Unauthorized
from pushjobs.models import Job
from pushjobs.tokens import Token
from tests.unit.records import JOB, OTHER

ID = UUID(JOB)


@dataclass
class User:
    pk: int
    is_staff: bool = False
    permissions: set[str] = field(default_factory=set)
    is_active: bool = True

    def has_perm(self, name: str) -> bool:
        return name in self.permissions


def token(kind: Any, subject: object, *channels: str, scope: str = "read cancel") -> Caller:
    granted = Token(kind, str(subject), frozenset(channels), frozenset(scope.split()), 2e9)
    return Caller(token=granted)


OWNER, STRANGER = Caller(user=User(1)), Caller(user=User(2))
CLERK = Caller(user=User(3, is_staff=True, permissions={"pushjobs.view_job"}))
ADMIN = Caller(user=User(4, True, {"pushjobs.view_job", "pushjobs.change_job"}))
JOB_TOKEN = token("job", JOB, f"job:{JOB}")
READER = token("job", JOB, f"job:{JOB}", scope="read")
OTHER_JOB = token("job", OTHER, f"job:{OTHER}")
MINE = token("user", 1, "user:me", "tag:red")
RED = token("user", 1, "tag:red")
BLUE = token("user", 1, "tag:blue")
THEIRS = token("user", 2, "user:me", "tag:red")
NOBODY = Caller()


def outcome(call: Any, *args: Any) -> Any:
    try:
        return call(*args)
    except PushjobsError as error:
        return type(error)


@pytest.mark.parametrize(
    ("caller", "read", "cancel"),
    [
        (OWNER, True, True),
        (STRANGER, NotFound, NotFound),
        (CLERK, True, NotFound),
        (ADMIN, True, True),
        (Caller(user=User(5, is_staff=True)), NotFound, NotFound),
        (Caller(user=User(6, permissions={"pushjobs.view_job"})), NotFound, NotFound),
        (JOB_TOKEN, True, True),
        (READER, True, NotFound),
        (OTHER_JOB, NotFound, NotFound),
        (MINE, True, True),
        (RED, True, True),
        (BLUE, NotFound, NotFound),
        (THEIRS, NotFound, NotFound),
        (token("user", 1, "user:me", scope="read"), True, NotFound),
        (token("user", 1, f"job:{JOB}", scope=""), NotFound, NotFound),
        (NOBODY, Unauthorized, Unauthorized),
    ],
)
def test_a_job_is_open_to_those_who_may_have_it(caller: Caller, read: Any, cancel: Any) -> None:
    job = Job(id=ID, owner_id=1, tags=["red"])
    for scope, expected in (("read", read), ("cancel", cancel)):
        found = outcome(access.job, caller, ID, job, scope)
        assert found is (job if expected is True else expected)


@pytest.mark.parametrize("caller", [OWNER, STRANGER, ADMIN, MINE, OTHER_JOB])
def test_a_job_that_is_not_there_looks_like_one_that_is_forbidden(caller: Caller) -> None:
    with pytest.raises(NotFound) as missing:
        access.job(caller, ID, None)
    with pytest.raises(NotFound) as forbidden:
        access.job(STRANGER, ID, Job(id=ID, owner_id=1))
    assert missing.value.problem() == forbidden.value.problem()


def test_a_job_that_is_no_longer_kept_is_gone_for_its_own_token_only() -> None:
    assert outcome(access.job, JOB_TOKEN, ID, None) is Gone
    assert outcome(access.job, READER, ID, None, "cancel") is NotFound
    assert outcome(access.job, NOBODY, ID, None) is Unauthorized


def test_a_job_without_an_owner_is_open_to_its_token_and_to_staff_only() -> None:
    job = Job(id=ID, owner_id=None)
    nameless = token("user", None, "user:me")
    found = [outcome(access.job, who, ID, job) for who in (JOB_TOKEN, ADMIN, OWNER, nameless)]
    assert found == [job, job, NotFound, NotFound]


async def test_a_model_of_users_need_not_know_of_staff() -> None:
    one, other = (Caller(user=SimpleNamespace(pk=pk, is_active=True)) for pk in (1, 2))
    job, spec = Job(id=ID, owner_id=1), SimpleNamespace(name="some.job", allow="staff")
    assert await access.ajob(one, ID, job) is job
    assert outcome(access.job, other, ID, job) is NotFound
    assert outcome(access.may_submit, one, spec) is Forbidden


@pytest.mark.parametrize(
    ("caller", "name", "expected"),
    [
        (OWNER, f"job:{JOB}", f"job:{JOB}"),
        (OWNER, f"job:{JOB.upper()}", f"job:{JOB}"),
        (OWNER, "user:me", "user:1"),
        (STRANGER, "user:me", "user:2"),
        (OWNER, "tag:red", "tag:1:red"),
        (OWNER, "tag:1:red", "tag:1:1:red"),
        (MINE, "user:me", "user:1"),
        (THEIRS, "tag:red", "tag:2:red"),
        (RED, "user:me", NotFound),
        (RED, "tag:blue", NotFound),
        (token("user", 1, "user:me", scope="cancel"), "user:me", NotFound),
        (JOB_TOKEN, "user:me", NotFound),
        (token("job", JOB, "user:me"), "user:me", NotFound),
        (OWNER, "user:2", NotFound),
        (OWNER, "tag:", NotFound),
        (OWNER, "tag:" + "x" * 101, NotFound),
        (OWNER, "job:7", NotFound),
        (OWNER, "job", NotFound),
        (OWNER, "", NotFound),
        (OWNER, "group:x", NotFound),
        (NOBODY, "user:me", Unauthorized),
        (NOBODY, "nonsense", Unauthorized),
    ],
)
def test_a_channel_is_the_callers_own(caller: Caller, name: str, expected: Any) -> None:
    assert outcome(access.channel, caller, name) == expected


EVERYONE = (NOBODY, STRANGER, CLERK, MINE)


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        ("anyone", [None, None, None, None]),
        ("authenticated", [Unauthorized, None, None, Unauthorized]),
        ("staff", [Unauthorized, Forbidden, None, Unauthorized]),
        ("pushjobs.view_job", [Unauthorized, Forbidden, None, Unauthorized]),
        (lambda user: user is not None and user.pk == 2, [Unauthorized, None, Forbidden, None]),
    ],
    ids=["anyone", "authenticated", "staff", "permission", "callable"],
)
def test_a_job_says_who_may_submit_it(allow: Any, expected: list[Any]) -> None:
    spec: Any = SimpleNamespace(allow=allow)
    if callable(allow):
        expected = [*expected[:3], Unauthorized]
    assert [outcome(access.may_submit, who, spec) for who in EVERYONE] == expected


def test_a_job_that_says_nothing_is_for_those_who_are_logged_in() -> None:
    assert registry.registry.get("test.add").allow == "authenticated"


@pytest.mark.parametrize(
    ("caller", "names", "expected"),
    [
        (OWNER, ["user:me", "tag:red"], None),
        (OWNER, [], None),
        (OWNER, [f"job:{JOB}"], BadRequest),
        (OWNER, ["user:2"], NotFound),
        (MINE, ["user:me"], Unauthorized),
        (JOB_TOKEN, ["user:me"], Unauthorized),
        (NOBODY, ["user:me"], Unauthorized),
    ],
)
def test_only_a_logged_in_user_hands_out_tokens(
    caller: Caller, names: list[str], expected: Any
) -> None:
    assert outcome(access.grantable, caller, names, ["read"]) is expected


def test_a_callers_right_ends_with_the_token() -> None:
    assert (JOB_TOKEN.expires, OWNER.expires) == (2e9, None)
    assert (MINE.user_id, JOB_TOKEN.user_id, OWNER.user_id, NOBODY.user_id) == ("1", None, 1, None)
