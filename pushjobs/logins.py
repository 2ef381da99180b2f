"""Logins: the session by which a connection was opened, and whether it still holds.

A connection may last for an hour, in which its user may log out, get another password, or be
deactivated. What is known of a login here is enough to look, for many at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from types import SimpleNamespace
from typing import Any

from django.contrib import auth

from pushjobs import sessions

#: So many are looked at with one query for their sessions and one for their users.
_AT_ONCE = 500


def digest(session: str) -> str:
    """What a session is called where others may read it: its key is a password."""
    return blake2s(session.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Login:
    """A user's login, as it was when a connection was opened.

    ``user`` is the user's primary key, None where it is not one of ``AUTH_USER_MODEL``, and
    ``state`` what of the user decides on access. ``session`` is the session's key; None where there
    is none to look for: a middleware has found the user in another way, or the session is a cookie.
    """

    user: Any
    state: tuple[Any, ...] = field(repr=False, hash=False)
    session: str | None = field(default=None, repr=False)
    digest: str = field(default="", compare=False)

    @classmethod
    def of(cls, user: Any, session: str | None = None) -> Login:
        """The login of a user. A project's own ``get_session_auth_hash`` may query."""
        known = isinstance(user, auth.get_user_model())
        pk, state = (user.pk, _state(user)) if known else (None, ())
        if session is None or sessions.in_cookie():
            return cls(pk, state)
        return cls(pk, state, session, digest(session))


def user_of(session: str) -> Any:
    """Whose session this is, or None; queries.

    As ``django.contrib.auth.get_user``, but that a reader does not change it: where its hash is
    made with one of ``SECRET_KEY_FALLBACKS``, Django gives it another key, of which no stream can
    tell its client.
    """
    user = auth.get_user(SimpleNamespace(session=_Seen(sessions.content(session))))  # type: ignore[arg-type]
    return user if user.is_authenticated else None


def ended(logins: Collection[Login]) -> set[Login]:
    """Those of which the session is gone, or the user is gone or not as before; queries."""
    every, found = list(logins), set()
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        living = sessions.living({login.session for login in some if login.session is not None})
        users = _users({login.user for login in some if login.user is not None})
        found |= {login for login in some if not _holds(login, living, users)}
    return found


class _Seen(dict[str, Any]):
    """The content of a session, and what Django would do to it."""

    def flush(self) -> None:
        pass

    def cycle_key(self) -> None:
        pass


def _users(keys: Collection[Any]) -> Mapping[Any, Any]:
    model = auth.get_user_model()
    return model._default_manager.in_bulk(keys)  # noqa: SLF001


def _holds(login: Login, living: Collection[str], users: Mapping[Any, Any]) -> bool:
    if login.session is not None and login.session not in living:
        return False
    user = users.get(login.user)
    return login.user is None or (user is not None and _state(user) == login.state)


def _state(user: Any) -> tuple[Any, ...]:
    hashed = user.get_session_auth_hash() if hasattr(user, "get_session_auth_hash") else None
    return user.is_active, getattr(user, "is_staff", False), hashed
