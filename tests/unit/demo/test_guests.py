"""``project.demo.guests``: who has gone is removed, and no one else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from project.demo import guests
from pushjobs import submit
from tests.unit.conftest import Postbox

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timezone.now() - timedelta(days=8)


def request() -> HttpRequest:

    found = RequestFactory().post("/demo/guest")
    found.session = SessionStore()
    found.user = AnonymousUser()
    return found


def test_guests_who_cannot_come_back_are_removed(postbox: Postbox) -> None:
    users = get_user_model().objects
    for name in ("guest-gone", "guest-with-jobs", "ada"):
        user = users.create_user(name)
        users.filter(pk=user.pk).update(date_joined=LONG_AGO)
    users.create_user("guest-of-today")
    submit("test.echo", value=1, owner=users.get(username="guest-with-jobs"))
    asked = request()
    guests.welcome(asked)
    known = set(users.values_list("username", flat=True))
    assert known == {"guest-with-jobs", "ada", "guest-of-today", asked.user.get_username()}
    assert 0 < asked.session.get_expiry_age() <= guests.SESSION.total_seconds()


def test_who_is_logged_in_is_no_guest() -> None:
    asked = request()
    asked.user = get_user_model().objects.create_user("ada")
    guests.welcome(asked)
    assert get_user_model().objects.get() == asked.user
    assert asked.session.is_empty()
