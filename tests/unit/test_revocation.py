"""``pushjobs.transports.revocation``: connections end with the login by which they were opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from unittest.mock import Mock

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import logout, user_logged_out
from django.db import OperationalError
from django.http import HttpRequest

from pushjobs import logins, loop
from pushjobs.hub import Hub
from pushjobs.layer import Doorbell
from pushjobs.logins import Login
from pushjobs.transports import connections as module
from pushjobs.transports.connections import Connections
from pushjobs.transports.revocation import Revocation
from tests.unit.conftest import Configure
from tests.unit.faults import FaultyLog
from tests.unit.test_logins import logged_in, login_of

pytestmark = pytest.mark.usefixtures("transactional_db")


class Open:
    """An open connection, which goes when it is told."""

    heartbeat = 1000.0

    def __init__(self, home: Connections, login: Login | None) -> None:
        self.told = False
        self._home = home
        home.add(self, login=login)

    def beat(self) -> None:
        pass

    def expire(self) -> None:
        raise AssertionError("no token expires here")

    def go_away(self) -> None:
        self.told = True
        self._home.remove(self)


class Process:
    """A web process: its connections, and a hub with a mailbox on the layer."""

    def __init__(self) -> None:
        self.connections = Connections()
        self.hub = Hub(FaultyLog(), Doorbell(self.connections.expect_logout), self._snapshot)

    def open(self, *logins: Login | None) -> list[Open]:
        return [Open(self.connections, login) for login in logins]

    async def _snapshot(self, *_: Any) -> Any:
        raise AssertionError("nothing is read here")

    async def stop(self) -> None:
        for connection in list(self.connections._open):
            self.connections.remove(connection)
        await self.hub.stop()


@pytest.fixture
async def processes(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Process]]:
    """Two of one layer, which look at all logins when they begin, and then not for long."""
    monkeypatch.setattr(module, "_TICK", 0.01)
    found = [Process(), Process()]
    for process in found:
        await process.hub.open("user:1")  # Who serves something attends.
    yield found
    for process in found:
        await process.stop()


@pytest.fixture
def ann(transactional_db: None) -> HttpRequest:
    return logged_in("ann")


@pytest.fixture
def bob(transactional_db: None) -> HttpRequest:
    return logged_in("bob")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[set[Login]]:
    """What was looked at, each time."""
    found: list[set[Login]] = []

    def ended(suspects: list[Login]) -> set[Login]:
        found.append(set(suspects))
        return logins.ended(suspects)

    looking = sync_to_async(ended, thread_sensitive=True)
    monkeypatch.setattr("pushjobs.transports.revocation._ended", looking)
    return found


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_logout_ends_what_its_session_has_opened_in_every_process(
    processes: list[Process], ann: HttpRequest, bob: HttpRequest, looks: list[set[Login]]
) -> None:
    hers, his = [await sync_to_async(login_of)(request) for request in (ann, bob)]
    opened = [process.open(hers, his, None) for process in processes]
    await until(lambda: len(looks) == 2)
    assert looks == [{hers, his}] * 2
    await sync_to_async(logout)(ann)
    await until(lambda: all(connections[0].told for connections in opened))
    assert {hers} == set.union(*looks[2:]), "others were looked at too"
    assert [[each.told for each in connections] for connections in opened] == [
        [True, False, False]
    ] * 2


async def test_a_logout_that_no_one_hears_of_is_found(
    processes: list[Process],
    ann: HttpRequest,
    bob: HttpRequest,
    configure: Configure,
    looks: list[set[Login]],
) -> None:
    configure(SESSION_CHECK_INTERVAL=0.05)
    hers, his = [await sync_to_async(login_of)(request) for request in (ann, bob)]
    opened = [process.open(hers, his, None) for process in processes]
    await until(lambda: len(looks) > 4)
    await sync_to_async(ann.session.flush)()  # Of which no signal tells.
    await until(lambda: all(connections[0].told for connections in opened))
    assert not any(each.told for connections in opened for each in connections[1:])


async def test_a_logout_that_does_not_come_about_ends_nothing(
    processes: list[Process], ann: HttpRequest, looks: list[set[Login]]
) -> None:
    hers = await sync_to_async(login_of)(ann)
    ((connection,), _) = [process.open(hers) for process in processes]
    await sync_to_async(user_logged_out.send)(sender=None, request=ann, user=ann.user)
    await until(lambda: len(looks) > 5)  # Each process again and again, as it may take a while.
    assert not connection.told


async def test_while_the_database_is_away_no_one_is_sent_away(
    processes: list[Process],
    ann: HttpRequest,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure(SESSION_CHECK_INTERVAL=0.05)
    failures = iter([OperationalError("away"), RuntimeError("broken")])

    def ended(suspects: list[Login]) -> set[Login]:
        for error in failures:
            raise error
        return logins.ended(suspects)

    monkeypatch.setattr("pushjobs.transports.revocation._ended", sync_to_async(ended))
    process = processes[0]
    (connection,) = process.open(await sync_to_async(login_of)(ann))
    await until(lambda: "sessions of connections could not be looked at" in caplog.text)
    assert "out of reach for the sessions" in caplog.text
    assert not connection.told
    await sync_to_async(ann.session.flush)()
    await until(lambda: connection.told)


async def test_logouts_are_not_kept_where_no_one_is_connected() -> None:
    found = Revocation(Connections())
    for moment in range(100):
        found.expect(f"digest-{moment}", 10.0 * moment)
        found.expect("the same again", 10.0 * moment)
    assert list(found._ending) == ["digest-99", "the same again"]


def test_a_logout_does_not_fail_where_it_can_not_be_told(
    ann: HttpRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop, "is_bound", lambda: True)
    monkeypatch.setattr(loop, "current", Mock(side_effect=RuntimeError("no thread can be started")))
    found = login_of(ann)
    user_logged_out.send(sender=None, user=ann.user)  # With no request, as some projects do.
    logout(ann)
    assert logins.ended([found]) == {found}
    assert "no thread can be started" in caplog.text


async def test_a_logout_does_not_fail_where_there_is_no_layer(
    ann: HttpRequest, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {}
    await sync_to_async(logout)(ann)
    await until(lambda: "a logout could not be told" in caplog.text)
