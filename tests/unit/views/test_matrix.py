"""Each kind of view × each answer × each caller: in a job it answers as it does at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.http import HttpResponseBase
from django.test import AsyncClient, Client

from pushjobs.testing import run_jobs
from tests.unit.views.matrix_site import ANSWERS, ASYNC, SYNC

pytestmark = pytest.mark.django_db(transaction=True)

CALLERS = ["anonymous", "session", "token"]
#: What the response's own URL says of caching, and a stream's length, which is known by then.
_MORE = {"cache-control", "content-length"}


@dataclass
class Seen:
    """What a client sees of a response, but for secrets of the client's own, and the time."""

    status: int
    headers: dict[str, str]
    vary: set[str]
    cookies: str
    body: bytes


def seen(response: HttpResponseBase, body: bytes) -> Seen:
    headers = {name.lower(): value for name, value in response.items()}
    vary = {name.strip().lower() for name in headers.pop("vary", "").split(",")}
    return Seen(
        response.status_code,
        headers,
        vary,
        re.sub(r"(csrftoken=|expires=)[^;]+", r"\1", response.cookies.output()),
        re.sub(rb'value="\w{64}"', b'value=""', body),
    )


def check_same(case: tuple[str, str], direct: Seen, deferred: Seen) -> None:
    assert (case, deferred.status, deferred.body) == (case, direct.status, direct.body)
    assert deferred.vary >= direct.vary, case
    assert (case, deferred.headers | direct.headers) == (case, deferred.headers)
    assert deferred.headers.keys() - direct.headers.keys() <= _MORE, case
    assert (case, deferred.cookies) == (case, direct.cookies)


@pytest.fixture(autouse=True)
def _matrix(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.unit.views.matrix_site"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.unit.views.matrix_site.TokenMiddleware"]


def let_in(client: Any, caller: str) -> dict[str, str]:
    """Let a client be known, by its session or by the headers that are returned."""
    user, _ = get_user_model().objects.get_or_create(username="ada")
    if caller == "session":
        client.force_login(user)
    return {"Authorization": "Bearer token-of-ada"} if caller == "token" else {}


def opening(accepted: Any) -> dict[str, Any]:
    """What fetches the response of a request that was put off."""
    assert accepted.status_code == 202, accepted.content
    token = accepted.json()["token"]
    return {"path": accepted["Location"], "headers": {"Authorization": f"Bearer {token}"}}


@pytest.mark.parametrize("view", SYNC)
def test_a_view_answers_in_a_job_as_at_once(view: str) -> None:
    direct, opens = {}, {}
    for caller, kind in product(CALLERS, ANSWERS):
        one, other = (Client(raise_request_exception=False) for _ in range(2))
        known = let_in(one, caller) | let_in(other, caller)
        found = one.get(f"/{view}/{kind}", headers=known)
        direct[caller, kind] = seen(found, found.getvalue())
        prefer = known | {"Prefer": "respond-async"}
        opens[caller, kind] = opening(other.get(f"/{view}/{kind}", headers=prefer))
    run_jobs()
    for case, options in opens.items():
        found = Client(raise_request_exception=False).get(**options)
        check_same(case, direct[case], seen(found, found.getvalue()))


@pytest.mark.parametrize("view", ASYNC)
async def test_an_asynchronous_view_answers_in_a_job_as_at_once(view: str) -> None:
    direct, opens = {}, {}
    for caller, kind in product(CALLERS, ANSWERS):
        one, other = (AsyncClient(raise_request_exception=False) for _ in range(2))
        known: dict[str, str] = {}
        for client in (one, other):
            known |= await sync_to_async(let_in)(client, caller)
        found = await one.get(f"/{view}/{kind}", headers=known)
        direct[caller, kind] = seen(found, await body_of(found))
        prefer = known | {"Prefer": "respond-async"}
        opens[caller, kind] = opening(await other.get(f"/{view}/{kind}", headers=prefer))
    await sync_to_async(run_jobs)()
    for case, options in opens.items():
        found = await AsyncClient(raise_request_exception=False).get(**options)
        check_same(case, direct[case], seen(found, await body_of(found)))


async def body_of(response: Any) -> bytes:
    if not response.streaming:
        return bytes(response.content)
    if response.is_async:
        return b"".join([chunk async for chunk in response])
    return b"".join(response)
