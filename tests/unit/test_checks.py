"""``pushjobs.checks``: what is missing or wrong is told, with what to do about it."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.urls import get_script_prefix, path, set_script_prefix

from pushjobs.routing import application as with_streams
from tests.unit.conftest import Configure
from tests.unit.systemchecks import found, hints, messages

MIDDLEWARE = "django.contrib.{}.middleware.{}Middleware"
SESSIONS = MIDDLEWARE.format("sessions", "Session")
USERS = MIDDLEWARE.format("auth", "Authentication")

django_alone = ASGIHandler()
under_another_prefix = with_streams(django_alone, prefix="api/")
urlpatterns = [path("", lambda request: None)]


class OwnUsers(AuthenticationMiddleware):
    """A project's own."""


def test_a_missing_channel_layer_is_told(configure: Configure, settings: Any) -> None:
    configure(CHANNEL_LAYER="elsewhere")
    assert "elsewhere" in found()["pushjobs.E002"]
    configure(CHANNEL_LAYER="default")
    settings.CHANNEL_LAYERS = {}
    assert "pushjobs.E002" in found()


def test_a_log_that_cannot_be_imported_is_told(configure: Configure) -> None:
    configure(LOG="pushjobs.log.nowhere.Log")
    assert "pushjobs.E003" in found()


def test_a_log_that_lacks_what_an_extra_installs_is_told_the_extra(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot_import(path: str) -> None:
        raise ModuleNotFoundError("No module named 'hiredis'", name="hiredis")

    configure(LOG="pushjobs.log.redis.RedisLog", LOG_URLS=["redis://127.0.0.1:1"])
    assert found() == {}
    monkeypatch.setattr("pushjobs.checks.values.import_string", cannot_import)
    assert 'pip install "pushjobs[redis]"' in hints()["pushjobs.E003"]


def test_keys_that_do_not_fit_the_algorithm_are_told(configure: Configure) -> None:
    configure(TOKEN_ALGORITHM="RS256", TOKEN_KEYS=["no PEM"])
    assert "pushjobs.E004" in found()


@pytest.mark.parametrize("key", ["short", "a" * 64, "abcabc" * 20])
def test_a_token_key_that_can_be_guessed_is_told_before_production(
    configure: Configure, key: str
) -> None:
    configure(TOKEN_KEYS=[key])
    assert "pushjobs.W001" in found(deploy=True)
    assert "pushjobs.W001" not in found()


def test_a_weak_secret_key_is_told_where_it_signs_tokens(
    settings: Any, configure: Configure
) -> None:
    settings.SECRET_KEY = "weak"
    assert "pushjobs.W001" in found(deploy=True)
    configure(TOKEN_KEYS=["only-for-tests-and-long-enough-to-be-no-weak-key"])
    assert "pushjobs.W001" not in found(deploy=True)


def test_a_project_without_asgi_is_told_the_setting(settings: Any) -> None:
    settings.ASGI_APPLICATION = None
    assert "pushjobs.W002" in found()
    assert 'ASGI_APPLICATION = "tests.asgi.application"' in hints()["pushjobs.W002"]


def test_all_that_is_missing_of_the_routes_is_told_at_once(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.ASGI_APPLICATION = f"{__name__}.django_alone"
    told = hints()
    assert list(told) == ["pushjobs.E005", "pushjobs.W003"]
    assert f'In {__name__}, add path("", include("pushjobs.urls"))' in told["pushjobs.E005"]
    assert "from pushjobs.asgi import get_asgi_application" in told["pushjobs.W003"]


def test_a_site_below_a_path_has_its_streams_below_it_as_well() -> None:
    before = get_script_prefix()
    set_script_prefix("/site/")
    try:
        assert found() == {}
    finally:
        set_script_prefix(before)


def test_a_storage_that_is_not_there_is_told(configure: Configure) -> None:
    configure(STORAGE="elsewhere")
    assert list(found()) == ["pushjobs.E006"]


@pytest.mark.parametrize(
    ("application", "told"),
    [
        ("tests.unit.test_checks.django_alone", ["pushjobs.W003"]),
        ("tests.unit.test_checks.under_another_prefix", ["pushjobs.W003"]),
        ("tests.unit.test_checks.nothing_of_that_name", ["pushjobs.E007"]),
        ("project.asgi.application", []),
    ],
)
def test_an_asgi_application_without_streams_is_told(
    settings: Any, application: str, told: list[str]
) -> None:
    settings.ASGI_APPLICATION = application
    assert list(found()) == told


def test_a_project_that_names_nothing_shared_is_told_before_production(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "pushjobs.W004" not in found(deploy=True)
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "django_dramatiq")
    del settings.CHANNEL_LAYERS
    told = [message for message in messages(deploy=True) if message.id == "pushjobs.W004"]
    assert [message.msg.partition(" ")[0] for message in told] == ["no", "CHANNEL_LAYERS"]
    assert found() == {}


def test_a_missing_layer_is_told_where_a_broker_is_shared(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del settings.CHANNEL_LAYERS
    assert found() == {}
    monkeypatch.setattr("pushjobs.layer.in_memory", lambda: False)
    assert "pushjobs.E002" in found()


def test_an_unset_broker_is_told_where_django_dramatiq_would_take_rabbitmq(settings: Any) -> None:
    del settings.DRAMATIQ_BROKER
    assert "RabbitMQ" in found()["pushjobs.W005"]


@pytest.mark.parametrize("mode", [None, "DEFERRED", "deferred"])
def test_transactions_of_sqlite_that_begin_as_readers_are_told_before_production(
    monkeypatch: pytest.MonkeyPatch, mode: str | None
) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "transaction_mode", mode)
    assert "database is locked" in found(deploy=True)["pushjobs.W006"]
    assert found() == {}


def test_pages_that_no_engine_finds_are_told(settings: Any) -> None:
    settings.TEMPLATES = []
    assert "pushjobs/waiting.html" in found()["pushjobs.W007"]


def test_a_script_that_no_one_serves_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "django.contrib.staticfiles")
    assert "pushjobs.W008" in found()


@pytest.mark.parametrize(
    ("middleware", "told"),
    [
        ([SESSIONS, USERS], []),
        ([SESSIONS], ["pushjobs.W009"]),
        ([], []),
        ([SESSIONS, f"{__name__}.OwnUsers"], []),
    ],
)
def test_sessions_without_users_are_told(
    settings: Any, middleware: list[str], told: list[str]
) -> None:
    settings.MIDDLEWARE = middleware
    assert [name for name in found() if name.startswith("pushjobs.")] == told
