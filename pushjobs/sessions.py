"""Sessions: which the store still has, and that of a restored request.

Django writes a session whole, as it was read plus what the view did. A job may run for minutes, in
which its client goes on: so only what the view changed is written, onto what is there by then.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from importlib import import_module
from typing import Any

from django.conf import settings as django_settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core.cache import caches
from django.utils import timezone

_NOTHING = object()


def has_ended(key: str) -> bool:
    """Whether the store has no session of this key any more. One that is a cookie never ends."""
    if in_cookie():
        return False
    session = _store()(key)
    session.load()
    return session.session_key != key  # That of one in a file becomes another when it expires.


def living(keys: Collection[str]) -> set[str]:
    """Those sessions that the store still has; in one query where it is a database or a cache."""
    store = _store()
    if in_cookie():
        return set(keys)
    if issubclass(store, DatabaseStore):
        rows = store.get_model_class().objects.filter(
            session_key__in=keys, expire_date__gt=timezone.now()
        )
        return set(rows.values_list("session_key", flat=True))
    if issubclass(store, CacheStore):
        names = {store.cache_key_prefix + key: key for key in keys}
        found = caches[django_settings.SESSION_CACHE_ALIAS].get_many(names)
        return {names[name] for name in found}
    return {key for key in keys if not has_ended(key)}


def content(key: str) -> dict[str, Any]:
    """What a session holds; nothing where it has ended."""
    return dict(_store()(key).items())


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
