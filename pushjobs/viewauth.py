"""Whose a request is, where it is a view's framework that finds out: Django, DRF or django-ninja.

Credentials are not kept, so what is carried to the job is who was found: a user's id, and what
``request.auth`` was, as far as it is no credential itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.db.models import Model
from django.http import HttpRequest
from django.urls import ResolverMatch
from ninja.operation import PathView

from pushjobs import plain
from pushjobs.exceptions import SessionEnded
from pushjobs.headers import kept

#: Where a restored request has what ``request.auth`` was.
_AUTH = "_pushjobs_auth"
_SHORTEST_CREDENTIAL = 6


class AnswerNow(Exception):
    """The view refuses the caller: let it answer at once, and not as a job."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who was found. ``auth`` is what ``request.auth`` was, as ``restored_auth`` takes it.

    ``admitted`` is whether the view's framework has let the request in, its throttles as well.
    """

    user: Any = None
    from_session: bool = False
    auth: dict[str, Any] | None = None
    admitted: bool = False


def http_request(request: Any) -> HttpRequest:
    """Django's request, which DRF's own holds."""
    found = getattr(request, "_request", request) if _is_of_drf(request) else request
    assert isinstance(found, HttpRequest)
    return found


def identity_of(request: Any) -> Identity:
    """Whose request it is. Raises ``AnswerNow``, and ``ImproperlyConfigured`` where what the view
    has for ``request.auth`` cannot be carried."""
    http = http_request(request)
    source = request if _is_of_drf(request) else _drf_request(http) or http
    user, auth = getattr(source, "user", None), getattr(source, "auth", None)
    if isinstance(auth, Model) and hasattr(auth, "is_authenticated"):
        user = auth
    if user is None or not user.is_authenticated:
        user = None
    carried = _carried(auth, http, user)
    if carried is None and auth is not None and source is http and _is_of_ninja(http):
        raise ImproperlyConfigured(
            f"{_name_of(http)}: its authentication returns its own credential, or what is neither "
            "JSON nor a model's instance; let it return the user, so that a job can be given it"
        )
    admitted = _is_of_drf(request) or _is_of_ninja(http)
    return Identity(user, _is_of_session(http, user), carried, admitted)


def adopt(request: HttpRequest, user: Any, auth: Mapping[str, Any] | None) -> None:
    """Make a restored request that of a user, in whatever way its view asks.

    Raises ``SessionEnded`` where what ``request.auth`` was is no longer there.
    """
    found = restored_auth(auth, user)
    if user is not None:
        request.user = user
        request._cached_user = request._acached_user = user  # type: ignore[attr-defined]  # noqa: SLF001
        request._force_auth_user = user  # type: ignore[attr-defined]  # noqa: SLF001
        request._force_auth_token = found  # type: ignore[attr-defined]  # noqa: SLF001
    setattr(request, _AUTH, found)
    match = request.resolver_match
    ninja_view = path_view(match) if match else None
    for operation in ninja_view.operations if ninja_view else ():
        callbacks = operation.auth_callbacks
        if callbacks and callbacks[0] is not _as_restored:
            operation.auth_callbacks = [_as_restored, *callbacks]


def restored_auth(auth: Mapping[str, Any] | None, user: Any) -> Any:
    """What ``request.auth`` was."""
    match auth:
        case {"user": True}:
            return user
        case {"model": label, "pk": pk}:
            try:
                return apps.get_model(label)._default_manager.get(pk=pk)  # noqa: SLF001
            except (ObjectDoesNotExist, LookupError):
                raise SessionEnded("what the request was authenticated with is gone") from None
        case {"value": value}:
            return value
        case _:
            return None


def answered_by(match: ResolverMatch) -> str:
    """The dotted name of the view that a URL has, or of each operation of a path of ninja's."""
    ninja_view = path_view(match)
    if ninja_view is not None:
        return ",".join(_dotted(operation.view_func) for operation in ninja_view.operations)
    return _dotted(getattr(match.func, "view_class", None) or match.func)


def _as_restored(request: HttpRequest) -> Any:
    """django-ninja's authentication of a request that a job restored, and of no other."""
    return getattr(request, _AUTH, None)


def _is_of_drf(request: Any) -> bool:
    return not isinstance(request, HttpRequest) and hasattr(request, "successful_authenticator")


def _drf_request(http: HttpRequest) -> Any:
    """The request as the DRF view at its URL will see it, authenticated; None for another view."""
    view = http.resolver_match.func if http.resolver_match else None
    view_class: Any = getattr(view, "cls", None)
    if not hasattr(view_class, "authentication_classes"):
        return None
    made = view_class(**getattr(view, "initkwargs", {}))
    made.action_map = getattr(view, "actions", None) or {}
    made.request, made.args, made.kwargs = http, (), dict(http.resolver_match.kwargs)  # type: ignore[union-attr]
    request = made.initialize_request(http)
    try:
        request.user  # noqa: B018  # Authenticates.
    except Exception as error:
        if hasattr(error, "status_code"):  # An APIException.
            raise AnswerNow from error
        raise
    return request


def path_view(match: ResolverMatch) -> PathView | None:
    """django-ninja keeps it in the closure of the view that it makes."""
    view: Any = inspect.unwrap(match.func)
    for cell in getattr(view, "__closure__", None) or ():
        if isinstance(cell.cell_contents, PathView):
            return cell.cell_contents
    return None


def _is_of_ninja(http: HttpRequest) -> bool:
    return http.resolver_match is not None and path_view(http.resolver_match) is not None


def _is_of_session(http: HttpRequest, user: Any) -> bool:
    session = getattr(http, "session", None)
    if user is None or session is None or SESSION_KEY not in session:
        return False
    return bool(session[SESSION_KEY] == user._meta.pk.value_to_string(user))  # noqa: SLF001


def _carried(auth: Any, http: HttpRequest, user: Any) -> dict[str, Any] | None:
    if auth is None:
        return None
    if user is not None and auth == user:
        return {"user": True}
    if isinstance(auth, Model):
        carried = {"model": auth._meta.label, "pk": auth._meta.pk.value_to_string(auth)}  # noqa: SLF001
    else:
        carried = {"value": auth}
    try:
        text = orjson.dumps(carried)
    except orjson.JSONEncodeError:
        return None
    value: dict[str, Any] = orjson.loads(text)
    fits = plain.misfit(value) is None and not _shows_credential(value, http)
    return value if fits else None


def _shows_credential(value: Any, http: HttpRequest) -> bool:
    known = kept(http.headers)
    secrets = [text for name, text in http.headers.items() if name not in known]
    return any(
        len(leaf) >= _SHORTEST_CREDENTIAL and any(leaf in secret for secret in secrets)
        for leaf in _texts(value)
    )


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)


def _dotted(view: Any) -> str:
    view = view if hasattr(view, "__qualname__") else type(view)
    return f"{view.__module__}.{view.__qualname__}"


def _name_of(http: HttpRequest) -> str:
    return answered_by(http.resolver_match) if http.resolver_match else http.path
