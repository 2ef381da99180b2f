"""``pushjobs.carriers``: what a project adds to a request's context."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from pushjobs import carriers
from tests.unit.conftest import Configure

HERE = f"{__name__}."


class Tenant:
    """Carries a number, and sets it for as long as the view runs."""

    name = "tenant"
    current = 0

    def capture(self, request: HttpRequest) -> Any:
        return {"number": 7}

    @contextmanager
    def restore(self, request: HttpRequest, value: Any) -> Any:
        Tenant.current = value["number"]
        try:
            yield
        finally:
            Tenant.current = 0


class Odd(Tenant):
    """Captures what is no JSON."""

    name = "odd"

    def capture(self, request: HttpRequest) -> Any:
        return object()

    def restore(self, request: HttpRequest, value: Any) -> AbstractContextManager[None]:
        return nullcontext()


class Nameless:
    def capture(self, request: HttpRequest) -> Any: ...
    def restore(self, request: HttpRequest, value: Any) -> Any: ...


class Demanding(Tenant):
    def __init__(self, argument: int) -> None: ...


def test_a_context_is_carried_and_holds_until_it_is_left(configure: Configure) -> None:
    configure(CONTEXTS=[HERE + "Tenant"])
    values = carriers.captured(HttpRequest())
    assert values == {"tenant": {"number": 7}}
    with ExitStack() as stack:
        carriers.restored(HttpRequest(), values, stack)
        assert Tenant.current == 7
    assert Tenant.current == 0


def test_a_context_that_was_added_after_the_capture_is_left_out(configure: Configure) -> None:
    configure(CONTEXTS=[HERE + "Tenant"])
    with ExitStack() as stack:
        carriers.restored(HttpRequest(), {"flags": 1}, stack)
        assert Tenant.current == 0


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nowhere.Nothing"], "nowhere.Nothing"),
        ([HERE + "Demanding"], "argument"),
        ([HERE + "Nameless"], "has no name"),
        (["builtins.dict"], "has no name"),
        ([HERE + "Tenant", HERE + "Tenant"], "two are named 'tenant'"),
        ([HERE + "Odd"], "'odd' captures is no JSON"),
    ],
)
def test_what_is_no_carrier_is_named(names: list[str], message: str, configure: Configure) -> None:
    configure(CONTEXTS=names)
    with pytest.raises(ImproperlyConfigured, match=message):
        carriers.captured(HttpRequest())
