"""``@respond_async``: a Django view whose requests become jobs, and whose responses are theirs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from typing import Any, TypeVar, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.vary import vary_on_headers
from ninja.decorators import decorate_view

from pushjobs import viewjob
from pushjobs.deferral import Coalesce, Policy, When, arespond, respond
from pushjobs.retention import RetentionOption, retention_of
from pushjobs.transactions import atomic_requests, exempt_of, own_transactions
from pushjobs.viewauth import AnswerNow, http_request
from pushjobs.viewjob import ViewOptions

View = TypeVar("View", bound=Callable[..., Any])

_NINJA_CALLBACKS = "_ninja_contribute_to_operation"


@overload
def respond_async(view: View, /) -> View: ...
@overload
def respond_async(
    *,
    when: When | None = None,
    after: float | None = None,
    coalesce: Coalesce = False,
    keep: float | None = None,
    max_attempts: int | None = None,
    time_limit: float | None = None,
    queue: str | None = None,
    priority: int | None = None,
    retention: RetentionOption | None = None,
) -> Callable[[View], View]: ...
def respond_async(
    view: Any = None,
    /,
    *,
    when: When | None = None,
    after: float | None = None,
    coalesce: Coalesce = False,
    keep: float | None = None,
    max_attempts: int | None = None,
    time_limit: float | None = None,
    queue: str | None = None,
    priority: int | None = None,
    retention: RetentionOption | None = None,
) -> Any:
    """Have a view's requests run as jobs, and answer them with 202 (303 where HTML is asked for).

    The view may be synchronous or not: a function, what ``as_view()`` gives, a method (with
    ``method_decorator`` or without), one of Django REST framework, or an operation of django-ninja,
    where the decorator stands below the operation's own.

    ``when``: ``"preferred"`` (the default), for requests with ``Prefer: respond-async`` (RFC 7240);
    ``"always"``; or a function of the request. ``OPTIONS`` and ``TRACE`` never wait for a job.
    ``after``: seconds (``MAX_WAIT`` at most) in which the view's own response is the answer, if it
    is there by then; with it, the default of ``when`` is ``"always"``. A client's
    ``Prefer: wait=N`` goes before it.
    ``coalesce``: True has a request join the job under way of an identical one of the same session,
    or of the same user where there is none; a function of the request gives the key (any text) of
    the requests that share a job, or None. ``keep``: seconds after its success in which a job is
    joined as well, and its response is the answer; with it, the default of ``coalesce`` is True.
    ``max_attempts``, ``time_limit``, ``queue``, ``priority`` and ``retention`` are those of
    ``@job``; by default a lost GET or HEAD is run again, and any other method is not.
    Raises ``TypeError`` or ``ValueError`` where these make no sense.
    """
    _check(
        when,
        coalesce,
        after=after,
        keep=keep,
        max_attempts=max_attempts,
        time_limit=time_limit,
    )
    if retention is not None:
        retention_of(retention)
    if when is None:
        when = "preferred" if after is None else "always"

    def decorated(target: Any) -> Any:
        options = ViewOptions(
            view=_name_of(target),
            max_attempts=max_attempts,
            time_limit=time_limit,
            queue=queue,
            priority=priority,
            retention=retention,
        )
        policy = Policy(options, when, after, coalesce or keep is not None, keep)
        return _decorated(target, policy)

    return decorated if view is None else decorated(view)


def _decorated(view: Callable[..., Any], policy: Policy) -> Callable[..., Any]:
    if hasattr(view, "_ninja_operation"):
        raise TypeError("put @respond_async below the decorator that makes the operation")
    wrap = _asynchronous if iscoroutinefunction(view) else _synchronous
    wrapper = wrap(view, policy)
    if not isinstance(view, partial):  # Bound by method_decorator, for one call.
        _fit_for_ninja(wrapper, view)
    return wrapper


def _synchronous(view: Callable[..., Any], policy: Policy) -> Callable[..., Any]:
    exempt = exempt_of(view)

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if _gives_coroutine(view, args):
            return _respond_on_loop(view, policy, args, kwargs)
        request = _request_of(args)
        _vary_what_is_raised(request)
        if viewjob.running(request) is None and policy.defers(http_request(request)):
            with suppress(AnswerNow):
                return _varied(respond(request, policy))
        with atomic_requests(exempt):
            response = view(*args, **kwargs)
        return _varied(response)

    # A job begins when what submits it has committed: its submission is no part of a transaction.
    return own_transactions(wrapper)


def _asynchronous(view: Callable[..., Any], policy: Policy) -> Callable[..., Any]:
    @wraps(view)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await _respond_on_loop(view, policy, args, kwargs)

    return wrapper


async def _respond_on_loop(
    view: Callable[..., Any], policy: Policy, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    request = _request_of(args)
    _vary_what_is_raised(request)
    # A function of the project's may query.
    defers: Any = sync_to_async(policy.defers) if callable(policy.when) else _async(policy.defers)
    if viewjob.running(request) is None and await defers(http_request(request)):
        with suppress(AnswerNow):
            return _varied(await arespond(request, policy))
    return _varied(await view(*args, **kwargs))


def _async(function: Callable[..., Any]) -> Callable[..., Any]:
    async def called(*args: Any) -> Any:
        return function(*args)

    return called


def _gives_coroutine(view: Any, args: tuple[Any, ...]) -> bool:
    """Whether it is ``dispatch``, say, of a class-based view whose methods are asynchronous.

    That is no coroutine function, but what it returns is awaited.
    """
    bound_to = getattr(getattr(view, "func", None), "__self__", None) or args[0]
    return getattr(bound_to, "view_is_async", False) is True


def _request_of(args: tuple[Any, ...]) -> Any:
    """The request among a view's or a method's arguments: Django's, or one around it."""
    for value in args[:2]:
        if isinstance(getattr(value, "_request", value), HttpRequest):
            return value
    raise TypeError("@respond_async is for views: the first argument is the request")


def _varied(response: Any) -> Any:
    """A response that says that it depends on what the client prefers (RFC 7240, section 2)."""
    if isinstance(response, HttpResponseBase):
        patch_vary_headers(response, ["Prefer"])
    return response


def _vary_what_is_raised(request: Any) -> None:
    """Have DRF say the same of the response that it makes of what its view raises."""
    view = getattr(request, "parser_context", {}).get("view")
    if view is not None:
        view.headers["Vary"] = ", ".join(filter(None, [view.headers.get("Vary"), "Prefer"]))


def _fit_for_ninja(wrapper: Any, view: Callable[..., Any]) -> None:
    """Let django-ninja read the view's signature, and have its responses vary as well.

    It looks annotations up where the wrapper was defined, and makes the response of what the
    operation returns after it has.
    """
    with suppress(Exception):  # What is not there to be looked up, as names for type checkers only.
        wrapper.__signature__ = inspect.signature(view, eval_str=True)
    setattr(wrapper, _NINJA_CALLBACKS, list(getattr(view, _NINJA_CALLBACKS, ())))
    decorate_view(vary_on_headers("Prefer"))(wrapper)


def _name_of(view: Any) -> str:
    """A view's dotted name: of its class, where it has one."""
    named = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    named = named if hasattr(named, "__qualname__") else type(named)
    return f"{named.__module__}.{named.__qualname__}"


def _check(when: Any, coalesce: Any, **numbers: float | None) -> None:
    if isinstance(when, str) and when not in ("preferred", "always"):
        raise ValueError(f"when is 'preferred', 'always' or a function, not {when!r}")
    for name, value in (("when", when), ("coalesce", coalesce)):
        if iscoroutinefunction(value):
            raise TypeError(f"{name} is no coroutine function: it is called in a thread")
    for name, number in numbers.items():
        if number is not None and not number > 0:
            raise ValueError(f"{name} is more than 0, not {number!r}")
