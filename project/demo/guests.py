"""Guests: the users that visitors of the demo are, so that each sees the jobs of their own.

One is made by a visitor's first action and never by a mere look at the page, so that crawlers make
none. It goes once its session has ended and retention has removed its jobs.
"""

from __future__ import annotations

from datetime import timedelta
from secrets import token_hex

from django.contrib.auth import get_user_model, login
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone

from pushjobs.models import Job

SESSION = timedelta(days=7)
_PREFIX = "guest-"
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_REMOVED_AT_ONCE = 50


def welcome(request: HttpRequest) -> None:
    """Log a visitor in who is not: as a new guest, without a password, for a week."""
    if request.user.is_authenticated:
        return
    _see_off()
    guest = get_user_model().objects.create_user(f"{_PREFIX}{token_hex(8)}")
    login(request, guest, backend=_BACKEND)
    request.session.set_expiry(SESSION)


def _see_off() -> None:
    """Remove some guests who cannot come back, and have no jobs any more."""
    users = get_user_model().objects.filter(
        ~Exists(Job.objects.filter(owner=OuterRef("pk"))),
        username__startswith=_PREFIX,
        date_joined__lt=timezone.now() - SESSION,
    )
    gone = list(users.values_list("pk", flat=True)[:_REMOVED_AT_ONCE])
    get_user_model().objects.filter(pk__in=gone).delete()
