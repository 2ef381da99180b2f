"""The session of a restored request.

Django writes a session whole, as it was read plus what the view did. A job may run for minutes, in
which its client goes on: so only what the view changed is written, onto what is there by then.
"""

from __future__ import annotations

from copy import deepcopy
from importlib import import_module
from typing import Any

from django.conf import settings as django_settings
from django.contrib.sessions.backends.base import SessionBase

_NOTHING = object()


def has_ended(key: str) -> bool:
    """Whether the store has no session of this key any more. One that is a cookie never ends."""
    if in_cookie():
        return False
    session = _store()(key)
    session.load()
    return session.session_key is None


def in_cookie() -> bool:
    """Whether the session's key is the session itself."""
    return django_settings.SESSION_ENGINE == "django.contrib.sessions.backends.signed_cookies"


def merge_on_save(session: SessionBase) -> None:
    """Let a session that is saved keep what others have changed in it since now."""
    if in_cookie() or session.session_key is None or "save" in vars(session):
        return
    key, before = session.session_key, deepcopy(dict(session.items()))
    save = session.save

    def merged(must_create: bool = False) -> None:
        nonlocal before
        if not must_create and session.session_key == key:
            after = dict(session.items())
            current = type(session)(key)
            latest = current.load()
            if current.session_key is not None:  # Else it was deleted, which ``save`` will find.
                _apply(before, after, latest)
                session._session_cache = latest  # type: ignore[attr-defined]  # noqa: SLF001
                before = deepcopy(latest)
        save(must_create=must_create)

    session.save = merged  # type: ignore[method-assign]


def _apply(before: dict[str, Any], after: dict[str, Any], onto: dict[str, Any]) -> None:
    """Do to ``onto`` what was done to ``before`` to make it ``after``."""
    for name in before.keys() - after.keys():
        onto.pop(name, None)
    onto |= {name: it for name, it in after.items() if before.get(name, _NOTHING) != it}


def _store() -> type[SessionBase]:
    found: type[SessionBase] = import_module(django_settings.SESSION_ENGINE).SessionStore
    return found
