"""``pushjobs.transports.admission``: what is counted is given back, in whichever way it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushjobs.access import Caller
from pushjobs.exceptions import LimitExceeded, PushjobsError, ServerBusy
from pushjobs.tokens import READ, Token
from pushjobs.transports.admission import Admission, Quota
from tests.unit.conftest import Configure

ANN = Caller(user=SimpleNamespace(pk=1), address="203.0.113.1")
BOB = Caller(user=SimpleNamespace(pk=2), address="203.0.113.2")


def at(address: str, user: int | None = None) -> Caller:
    return Caller(user=SimpleNamespace(pk=user) if user else None, address=address)


def with_token(kind: str, subject: str, address: str = "") -> Caller:
    return Caller(token=Token(kind, subject, frozenset(), frozenset({READ}), 2e9), address=address)


@pytest.fixture(autouse=True)
def small(configure: Configure) -> None:
    configure(
        MAX_CONNECTIONS=4,
        MAX_USER_CONNECTIONS=2,
        MAX_ADDRESS_CONNECTIONS=3,
        MAX_USER_CHANNELS=5,
        MAX_ADDRESS_CHANNELS=6,
    )


@pytest.fixture
def admission() -> Admission:
    return Admission()


def held(admission: Admission) -> dict[object, int]:
    """All that is counted."""
    counts = admission.connections._counts + admission.channels._counts
    return dict(counts) | ({"open": admission.open} if admission.open else {})


def refusal(admission: Admission, caller: Caller, channels: int = 0) -> PushjobsError | None:
    """Why one more connection is refused, if it is."""
    try:
        with admission.connection(caller, channels):
            return None
    except PushjobsError as error:
        return error


def test_a_user_has_so_many_connections_from_wherever(admission: Admission) -> None:
    with ExitStack() as stack:
        for address in ("203.0.113.1", "203.0.113.2"):
            stack.enter_context(admission.connection(at(address, user=1)))
        error = refusal(admission, at("203.0.113.3", user=1))
        assert isinstance(error, LimitExceeded)
        assert error.detail == "one user may have 2 connections open at a time"
        assert 5 <= int(error.headers["Retry-After"]) <= 15
        assert refusal(admission, at("203.0.113.3", user=2)) is None
    assert refusal(admission, at("203.0.113.3", user=1)) is None


def test_an_address_has_so_many_connections_whoever_asks(admission: Admission) -> None:
    with ExitStack() as stack:
        for user in (1, 2, None):
            stack.enter_context(admission.connection(at("203.0.113.1", user)))
        error = refusal(admission, with_token("job", "a-job", "203.0.113.1"))
        assert isinstance(error, LimitExceeded)
        assert error.detail == "one address may have 3 connections open at a time"
        assert refusal(admission, at("203.0.113.2")) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("203.0.113.1", "::ffff:203.0.113.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
    ],
)
def test_what_one_client_has_to_itself_counts_as_one_address(
    admission: Admission, one: str, other: str
) -> None:
    with ExitStack() as stack:
        for address in (one, other, one):
            stack.enter_context(admission.connection(at(address)))
        assert refusal(admission, at(other)) is not None
        assert refusal(admission, at("2001:db8:1:3::1")) is None
    assert held(admission) == {}


def test_a_users_token_counts_as_the_user_and_a_jobs_token_as_none(admission: Admission) -> None:
    with (
        admission.connection(with_token("user", "1")),
        admission.connection(Caller(user=SimpleNamespace(pk=1))),
    ):
        assert isinstance(refusal(admission, with_token("user", "1")), LimitExceeded)
        assert refusal(admission, with_token("job", "1")) is None


def test_who_has_neither_name_nor_address_counts_for_the_process_only(
    admission: Admission,
) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(admission.connection(Caller()))
        error = refusal(admission, Caller())
        assert isinstance(error, ServerBusy)
        assert error.headers["Retry-After"] == "1"
        with pytest.raises(ServerBusy):
            admission.check_room()
    admission.check_room()
    assert held(admission) == {}


def test_a_full_process_says_so_and_not_that_the_caller_has_too_much(
    admission: Admission, configure: Configure
) -> None:
    configure(MAX_CONNECTIONS=2)
    with admission.connection(ANN), admission.connection(ANN):
        assert isinstance(refusal(admission, ANN), ServerBusy)


def test_channels_of_all_connections_count_together(admission: Admission) -> None:
    with admission.connection(ANN, channels=4):
        admission.channels.take(ANN)
        error = refusal(admission, ANN, channels=1)
        assert isinstance(error, LimitExceeded)
        assert error.detail == "one user may have 5 channels open at a time"
        with pytest.raises(LimitExceeded):
            admission.channels.take(ANN)
        admission.channels.give_back(ANN)
        assert refusal(admission, ANN, channels=1) is None
    assert held(admission) == {}


def test_who_is_refused_is_not_counted(admission: Admission) -> None:
    with admission.connection(ANN, channels=1), admission.connection(ANN, channels=1):
        before = held(admission)
        assert refusal(admission, ANN, channels=1) is not None  # too many connections
        assert refusal(admission, BOB, channels=6) is not None  # too many channels of a user
        assert refusal(admission, at("203.0.113.2"), channels=7) is not None
        assert held(admission) == before


def raises() -> None:
    raise RuntimeError


@pytest.mark.parametrize("ends", [lambda: None, raises])
def test_a_connection_is_given_back_however_it_ends(
    admission: Admission, ends: Callable[[], None]
) -> None:
    with suppress(RuntimeError), admission.connection(ANN, channels=3):
        assert held(admission)
        ends()
    assert held(admission) == {}


async def test_a_connection_is_given_back_when_its_task_is_cancelled(admission: Admission) -> None:
    async def serve() -> None:
        with admission.connection(ANN, channels=3):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(serve())
    await asyncio.sleep(0)
    assert held(admission)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert held(admission) == {}


CALLERS = st.builds(
    at,
    st.sampled_from(["", "203.0.113.1", "::ffff:203.0.113.1", "2001:db8::1", "2001:db8::2"]),
    st.sampled_from([None, 1, 2]),
)


@given(st.lists(st.tuples(CALLERS, st.integers(0, 4), st.booleans()), max_size=40))
def test_counts_are_what_is_open_and_end_at_nothing(
    moves: list[tuple[Caller, int, bool]],
) -> None:
    quota = Quota("channels")
    taken: list[tuple[Caller, int]] = []
    for caller, count, gives in moves:
        if gives and taken:
            quota.give_back(*taken.pop(0))
        else:
            with suppress(LimitExceeded):
                quota.take(caller, count)
                taken.append((caller, count))
        assert all(number >= 0 for number in quota._counts.values())
        for user in (1, 2):
            of_user = sum(
                number for holder, number in taken if holder.user and holder.user.pk == user
            )
            assert quota._counts["USER", str(user)] == of_user <= 5
    for caller, count in taken:
        quota.give_back(caller, count)
    assert not quota._counts
