"""``pushjobs.throttling``: no one gets more than the rate, and who waits as told gets in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.http import HttpResponse
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from pushjobs import api, submit, throttling, tokens
from pushjobs.access import Caller
from pushjobs.exceptions import TooManyRequests
from pushjobs.rates import Rate
from pushjobs.throttling import Throttle, Window
from tests.redis_server import RedisServer
from tests.unit.conftest import Configure
from tests.unit.jobs import make

NOW = 1_800_000_000.0


def memory() -> BaseCache:
    return LocMemCache(uuid4().hex, {})


@pytest.fixture(params=["memory", "redis"])
def make_cache(request: pytest.FixtureRequest) -> Callable[[], BaseCache]:
    """Makes the same cache, each time as another process would have it."""
    name = uuid4().hex
    if request.param == "memory":
        return lambda: LocMemCache(name, {})
    url = request.getfixturevalue("redis_server")
    return lambda: RedisCache(url, {"KEY_PREFIX": name})


@pytest.fixture
def _limited(settings: Any, configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two a day, of a user and of an address."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": uuid4().hex}}
    configure(USER_SUBMISSIONS="2/day", ADDRESS_SUBMISSIONS="2/day")
    monkeypatch.setattr("pushjobs.api.throttle", Throttle())


limited = pytest.mark.usefixtures("_limited", "postbox", "recorder")


def test_who_races_gets_no_more_than_the_rate(make_cache: Callable[[], BaseCache]) -> None:
    rate = Rate(50, 60)

    def hurry(_: int) -> int:
        window = Window(make_cache(), "ann", rate)
        return sum(window.take(NOW) == 0 for _ in range(20))

    with ThreadPoolExecutor(8) as threads:
        admitted = sum(threads.map(hurry, range(8)))
    assert 0 < admitted <= rate.count
    last = Window(make_cache(), "ann", rate)
    while last.take(NOW) == 0:
        admitted += 1
    assert admitted == rate.count


def test_two_that_are_the_first_at_the_same_moment_are_two(
    make_cache: Callable[[], BaseCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = make_cache()
    window, other = [Window(each, "ann", Rate(2, 60)) for each in (cache, make_cache())]

    def before_the_other(key: str) -> int:
        monkeypatch.undo()
        assert other.take(NOW) == 0
        raise ValueError("there was no such key a moment ago")

    monkeypatch.setattr(cache, "incr", before_the_other)
    assert window.take(NOW) == 0
    assert window.take(NOW) > 0


@given(st.lists(st.floats(0, 40), min_size=1, max_size=60), st.integers(1, 8))
def test_who_waits_as_told_gets_in_and_no_sooner(pauses: list[float], count: int) -> None:
    window, now = Window(memory(), "ann", Rate(count, 60)), NOW
    for pause in pauses:
        now += pause
        wait = window.take(now)
        assert 0 <= wait <= 120
        if wait > 0.01:
            assert window.take(now + wait - 0.01) > 0
            assert window.take(now + wait + 0.01) == 0
            now += wait + 0.01


def test_a_new_period_does_not_let_in_a_second_burst() -> None:
    window = Window(memory(), "ann", Rate(10, 60))
    end = NOW - NOW % 60 + 59.9
    assert [window.take(end) for _ in range(10)] == [0] * 10
    assert sum(window.take(end + 0.2) == 0 for _ in range(10)) == 0
    assert sum(window.take(end + 30.1) == 0 for _ in range(10)) == 5


def test_a_user_and_an_address_have_counts_of_their_own() -> None:
    cache = memory()
    for owner in ("user:1", "user:2", "address:1"):
        assert Window(cache, owner, Rate(1, 60)).take(NOW) == 0
        assert Window(cache, owner, Rate(1, 60)).take(NOW) > 0


@pytest.mark.usefixtures("_limited")
def test_what_the_address_is_refused_does_not_count_against_the_user(configure: Configure) -> None:
    configure(ADDRESS_SUBMISSIONS="1/day", USER_SUBMISSIONS="2/day")
    user = get_user_model()(pk=7)
    throttle = Throttle()
    throttle.admit(Caller(user=user, address="203.0.113.1"))
    for _ in range(5):
        with pytest.raises(TooManyRequests):
            throttle.admit(Caller(user=user, address="203.0.113.1"))
    throttle.admit(Caller(user=user, address="203.0.113.2"))


@pytest.mark.usefixtures("_limited")
def test_an_empty_rate_is_no_limit(configure: Configure) -> None:
    configure(ADDRESS_SUBMISSIONS="", USER_SUBMISSIONS="")
    throttle = Throttle()
    for _ in range(5):
        throttle.admit(Caller(address="203.0.113.1"))


def test_a_cache_out_of_reach_refuses_no_one_and_is_seldom_asked_or_told_of(
    settings: Any, tmp_path: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RedisServer(tmp_path)  # Never started.
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": server.url}}
    asked = []
    wait = throttling._wait
    monkeypatch.setattr(throttling, "_wait", lambda caller: asked.append(caller) or wait(caller))
    throttle, clock = Throttle(), time.monotonic()
    with caplog.at_level(logging.WARNING, "pushjobs.throttling"):
        for later in (0, 0, 6, 12, 30):
            monkeypatch.setattr(time, "monotonic", lambda later=later: clock + later)
            throttle.admit(Caller(address="203.0.113.1"))
        assert (len(asked), len(caplog.records)) == (4, 1)
        monkeypatch.setattr(time, "monotonic", lambda: clock + 90)
        throttle.admit(Caller(address="203.0.113.1"))
        assert (len(asked), len(caplog.records)) == (5, 2)


def ask(client: Client, **headers: str) -> HttpResponse:
    return client.post(
        "/jobs", {"name": "test.echo"}, content_type="application/json", headers=headers
    )


def check_refused(answer: HttpResponse) -> None:
    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer["Retry-After"]) <= 2 * 86400
    assert answer.json()["type"] == "urn:pushjobs:problem:too-many-requests"


@limited
@pytest.mark.django_db(transaction=True)
def test_a_client_cannot_forge_the_address_that_it_is_known_by() -> None:
    answers = [ask(Client(), **{"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    check_refused(answers[-1])
    assert ask(Client(REMOTE_ADDR="203.0.113.9")).status_code == 202


@limited
@pytest.mark.django_db(transaction=True)
def test_a_user_has_one_count_from_all_addresses() -> None:
    user = get_user_model().objects.create(username="ann")
    clients = [Client(REMOTE_ADDR=f"203.0.113.{number}") for number in range(3)]
    for client in clients:
        client.force_login(user)
    answers = [ask(client) for client in clients]
    assert [answer.status_code for answer in answers] == [202, 202, 429]


@limited
@pytest.mark.django_db(transaction=True)
def test_a_repeat_counts_like_any_other_and_a_refusal_opens_no_channel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[UUID] = []
    cursor_of = api.cursor_of

    async def noted(job_id: UUID) -> str | None:
        opened.append(job_id)
        return await cursor_of(job_id)

    monkeypatch.setattr(api, "cursor_of", noted)
    key = {"Idempotency-Key": "a-key-that-is-hard-to-guess"}
    answers = [ask(Client(), **key) for _ in range(2)]
    assert [answer.get("Idempotent-Replayed") for answer in answers] == [None, "true"]
    before = len(opened)
    check_refused(ask(Client(), **key))
    assert len(opened) == before


@limited
@pytest.mark.django_db(transaction=True)
def test_retries_and_tokens_count_too() -> None:
    user: Any = get_user_model().objects.create(username="ann")
    client = Client()
    client.force_login(user)
    job = make("failed", owner=user)
    asked = {"data": {"channels": ["user:me"]}, "content_type": "application/json"}
    assert client.post(f"/jobs/{job.id}/retry").status_code == 202
    assert client.post("/jobs/tokens", **asked).status_code == 200
    check_refused(client.post(f"/jobs/{job.id}/retry"))
    check_refused(client.post("/jobs/tokens", **asked))


@limited
@pytest.mark.django_db(transaction=True)
def test_to_read_and_to_cancel_do_not_count() -> None:
    job = make()
    headers = {"Authorization": f"Bearer {tokens.for_job(job.id)}"}
    for _ in range(3):
        assert Client().get(f"/jobs/{job.id}", headers=headers).status_code in (200, 202)
        assert Client().post(f"/jobs/{job.id}/cancel", headers=headers).status_code == 200


@limited
@pytest.mark.django_db(transaction=True)
def test_python_submits_as_often_as_it_likes() -> None:
    user = get_user_model().objects.create(username="ann")
    assert len({submit("test.echo", owner=user).id for _ in range(5)}) == 5
