"""``pushjobs.logins``: which logins have ended, whatever has ended them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib import auth
from django.contrib.auth import get_user_model, login, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from pushjobs import sessions
from pushjobs.logins import Login, ended, user_of
from pushjobs.transports.request import StreamRequest

pytestmark = pytest.mark.django_db(transaction=True)

STORES = ["db", "cached_db", "cache", "file"]


@pytest.fixture(params=STORES)
def _stores(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    settings.SESSION_FILE_PATH = str(tmp_path)


def logged_in(name: str) -> HttpRequest:
    """The request of a user who has just logged in."""
    user, _ = get_user_model().objects.get_or_create(username=name)
    request = HttpRequest()
    request.session = store()()
    request.user = user
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return request


def store() -> type[SessionBase]:
    found: type[SessionBase] = sessions._store()
    return found


def login_of(request: HttpRequest) -> Login:
    key = request.session.session_key
    assert key is not None
    return Login.of(user_of(key), key)


@pytest.mark.usefixtures("_stores")
def test_a_login_ends_with_its_session_and_no_other_does() -> None:
    ann, bob = logged_in("ann"), logged_in("bob")
    logins = [login_of(ann), login_of(bob)]
    assert ended(logins) == set()
    logout(ann)
    assert ended(logins) == {logins[0]}
    assert user_of(str(logins[0].session)) is None


@pytest.mark.usefixtures("_stores")
def test_a_login_ends_when_its_session_expires() -> None:
    ann = logged_in("ann")
    found = login_of(ann)
    ann.session.set_expiry(-1)
    ann.session.save()
    assert ended([found]) == {found}


def get_another_password(user: Any) -> None:
    user.set_password("another")
    user.save()


def deactivate(user: Any) -> None:
    type(user).objects.filter(pk=user.pk).update(is_active=False)


def demote(user: Any) -> None:
    type(user).objects.filter(pk=user.pk).update(is_staff=False)


@pytest.mark.parametrize(
    "change", [get_another_password, deactivate, demote, lambda user: user.delete()]
)
def test_a_login_ends_with_what_it_rests_on(change: Callable[[Any], None]) -> None:
    get_user_model().objects.create(username="ann", is_staff=True)
    ann = logged_in("ann")
    found = login_of(ann)
    assert ended([found]) == set()
    change(ann.user)
    assert ended([found]) == {found}


def test_what_else_of_a_user_changes_ends_nothing() -> None:
    ann = logged_in("ann")
    found = login_of(ann)
    ann.session["basket"] = [1, 2]
    ann.session.save()
    get_user_model().objects.update(last_login=timezone.now(), email="ann@example.org")
    assert ended([found]) == set()


def test_many_are_looked_at_with_two_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    logins = [login_of(logged_in(f"user-{number % 3}")) for number in range(20)]
    with django_assert_num_queries(2):
        assert ended(logins) == set()


def test_to_read_a_session_does_not_end_it(settings: Any) -> None:
    """Not where its hash is of a former ``SECRET_KEY``, either: its client keeps its cookie."""
    ann = logged_in("ann")
    key = str(ann.session.session_key)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert user_of(key) == ann.user
    assert sessions.living([key]) == {key}
    settings.SECRET_KEY_FALLBACKS = []
    assert user_of(key) is None
    assert sessions.living([key]) == {key}


def test_a_session_that_is_a_cookie_and_a_user_of_no_table_are_not_looked_for(
    settings: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    stranger = SimpleNamespace(pk=7, is_authenticated=True)
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    ann = logged_in("ann")
    found = [login_of(ann), Login.of(stranger, "some-session-key")]
    with django_assert_num_queries(1):
        assert ended(found) == set()
    deactivate(ann.user)
    assert ended(found) == {found[0]}


def test_who_is_found_by_something_else_does_not_rest_on_a_session_beside_it() -> None:
    ann, bob = logged_in("ann"), logged_in("bob")
    for beside, own in [(ann.session, True), (bob.session, False), (store()("0" * 32), False)]:
        scope = {"type": "http", "headers": [], "user": ann.user, "session": beside}
        login = async_to_sync(StreamRequest(scope).caller)().login
        assert login is not None
        assert login.session == (beside.session_key if own else None)
        assert ended([login]) == set()


def test_a_model_of_users_need_not_know_of_staff(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        pk, is_active = 1, True

    monkeypatch.setattr(auth, "get_user_model", lambda: Plain)
    assert Login.of(Plain()).user == 1


def test_no_one_reads_a_session_key_in_a_log() -> None:
    found = login_of(logged_in("ann"))
    assert str(found.session) not in repr(found)
