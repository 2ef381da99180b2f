"""``pushjobs.health``: what a probe is told, whatever has become of the stores."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.http import HttpResponse
from django.test import AsyncClient, Client

from pushjobs import health
from pushjobs.health import Health
from pushjobs.probes import Blocking, Probe
from pushjobs.transports.connections import connections as streams
from tests.unit.conftest import Configure

NAMES = ("database", "layer", "log", "broker")
SECRET = "redis://:secret@10.0.0.7:6379"


async def well() -> None:
    pass


def broken(error: Exception) -> Probe:
    async def ask() -> None:
        raise error

    return ask


async def silent() -> None:
    await asyncio.Event().wait()


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> dict[str, Probe]:
    """The probes of the stores; a test puts others in."""
    found: dict[str, Probe] = dict.fromkeys(NAMES, well)
    monkeypatch.setattr(health, "probes", lambda: found)
    monkeypatch.setattr(health, "_KEPT", 0)
    health._health_of.cache_clear()
    return found


def body(answer: HttpResponse) -> Any:
    return json.loads(answer.content)


@pytest.mark.django_db(transaction=True)
async def test_a_process_whose_stores_answer_is_ready() -> None:
    answer = await AsyncClient().get("/health/ready")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert answer["Content-Type"] == "application/json"
    assert body(answer) == {"status": "ready", "checks": {key: {"ok": True} for key in NAMES}}


@pytest.mark.parametrize("name", ["layer", "log", "broker"])
async def test_without_layer_log_or_broker_a_process_is_sent_requests_all_the_same(
    stores: dict[str, Probe], name: str
) -> None:
    stores[name] = broken(ConnectionError(SECRET))
    answer = await AsyncClient().get("/health/ready")
    assert (answer.status_code, body(answer)["status"]) == (200, "degraded")
    assert body(answer)["checks"].pop(name) == {"ok": False, "detail": "ConnectionError"}
    assert "secret" not in answer.text
    assert "10.0.0.7" not in answer.text


async def test_without_its_database_a_process_is_not_ready(stores: dict[str, Probe]) -> None:
    stores["database"] = broken(OperationalError(SECRET))
    answer = await AsyncClient().get("/health/ready")
    assert (answer.status_code, body(answer)["status"]) == (503, "not-ready")
    assert body(answer)["checks"] == {key: {"ok": True} for key in NAMES} | {
        "database": {"ok": False, "detail": "OperationalError"}
    }


async def test_a_process_that_drains_is_sent_no_more(
    stores: dict[str, Probe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "draining", True)
    answer = await AsyncClient().get("/health/ready")
    assert (answer.status_code, body(answer)["status"]) == (503, "draining")


async def test_a_store_that_hangs_is_told_of_and_holds_up_no_one(
    stores: dict[str, Probe], configure: Configure
) -> None:
    given_up = asyncio.Event()

    async def hang() -> None:
        try:
            await silent()
        finally:
            given_up.set()

    configure(HEALTH_TIMEOUT=0.05)
    stores["log"] = hang
    for _ in range(2):
        answer = await AsyncClient().get("/health/ready")
        assert body(answer)["status"] == "degraded"
        assert body(answer)["checks"]["log"] == {"ok": False, "detail": "timeout"}
    async with asyncio.timeout(60):
        await given_up.wait()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    found = threading.Event()
    yield found
    found.set()


async def test_a_call_that_blocks_is_not_repeated_while_it_hangs(
    stores: dict[str, Probe], configure: Configure, gate: threading.Event
) -> None:
    calls: list[threading.Thread] = []

    def block() -> None:
        calls.append(threading.current_thread())
        gate.wait(60)

    configure(HEALTH_TIMEOUT=0.05)
    stores["broker"] = ask = Blocking(block)
    for _ in range(3):
        answer = await AsyncClient().get("/health/ready")
        assert body(answer)["checks"]["broker"] == {"ok": False, "detail": "timeout"}
    assert len(calls) == 1
    gate.set()
    await ask()  # What hung has ended.
    configure(HEALTH_TIMEOUT=30)
    assert body(await AsyncClient().get("/health/ready"))["status"] == "ready"
    assert len(set(calls)) == 1
    ask._thread.shutdown()


async def test_many_probes_are_one_question(
    stores: dict[str, Probe], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def count() -> None:
        asked.append(1)
        await asyncio.sleep(0)

    monkeypatch.setattr(health, "_KEPT", 3600)
    stores["layer"] = count
    await asyncio.gather(*[AsyncClient().get("/health/ready") for _ in range(20)])
    await AsyncClient().get("/health/ready")
    assert len(asked) == 1


async def test_an_answer_is_kept_for_a_moment_only(stores: dict[str, Probe]) -> None:
    stores["layer"] = broken(ConnectionError())
    assert body(await AsyncClient().get("/health/ready"))["status"] == "degraded"
    stores["layer"] = well
    assert body(await AsyncClient().get("/health/ready"))["status"] == "ready"


async def test_a_client_that_hangs_up_does_not_spoil_the_answer_of_others(
    stores: dict[str, Probe],
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        arrived.set()
        await go_on.wait()

    checks = Health(stores | {"log": slow}).checks
    first, second = asyncio.create_task(checks()), asyncio.create_task(checks())
    await arrived.wait()
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    go_on.set()
    assert (await second)["log"] == {"ok": True}


async def test_the_log_of_the_process_tells_each_change_once(
    stores: dict[str, Probe], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "pushjobs.health"):
        for probe in (broken(ConnectionError(SECRET)), well):
            stores["layer"] = probe
            for _ in range(3):
                await AsyncClient().get("/health/ready")
    assert [record.message for record in caplog.records] == [
        f"layer answers not: ConnectionError('{SECRET}')",
        "layer answers again",
    ]


async def test_a_process_lives_whatever_has_become_of_its_stores(stores: dict[str, Probe]) -> None:
    stores.update(dict.fromkeys(NAMES, silent))
    answer = await AsyncClient().get("/health/live")
    assert (answer.status_code, body(answer)) == (200, {"status": "live"})


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_probes_come_over_plain_http_without_a_login_and_only_to_read(
    stores: dict[str, Probe], settings: Any, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/jobs").status_code == 301
    assert Client().head(path).status_code == 200
    answer = Client(enforce_csrf_checks=True).get(path)
    assert (answer.status_code, answer.cookies) == (200, {})
    refused = Client().post(path)
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_a_project_with_a_transaction_for_each_request_has_none_for_a_probe(
    stores: dict[str, Probe], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Django would refuse an async view; and the test may not use the database."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert (await AsyncClient().get(path)).status_code == 200
