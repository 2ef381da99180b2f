"""What ``ATOMIC_REQUESTS`` means for a view that runs in another way than Django runs views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from django.conf import settings
from django.db import connections, transaction

View = TypeVar("View", bound=Callable[..., Any])

#: Where ``django.db.transaction.non_atomic_requests`` writes it down.
_EXEMPT = "_non_atomic_requests"


def own_transactions(view: View) -> View:
    """Take a view out of ``ATOMIC_REQUESTS``: an async one cannot run in a transaction."""
    # In place of what is there, which a wrapper shares with what it wraps.
    setattr(view, _EXEMPT, set(settings.DATABASES))
    return view


def exempt_of(view: Callable[..., Any]) -> Collection[str]:
    """The databases for which the project has taken a view out of ``ATOMIC_REQUESTS``."""
    found: Collection[str] = getattr(view, _EXEMPT, frozenset())
    return found


@contextmanager
def atomic_requests(exempt: Collection[str] = ()) -> Iterator[None]:
    """A transaction on each database that asks for one by ``ATOMIC_REQUESTS``."""
    with ExitStack() as stack:
        for connection in connections.all():
            alias = connection.alias
            if connection.settings_dict["ATOMIC_REQUESTS"] and alias not in exempt:
                stack.enter_context(transaction.atomic(using=alias))
        yield
