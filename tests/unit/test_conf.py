"""``pushjobs.conf`` and ``pushjobs.checks``: settings that are typed, and told when wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings

from pushjobs.conf import Settings, settings
from pushjobs.routing import application as with_streams
from tests.unit.conftest import Configure


def found(*, deploy: bool = False) -> dict[str, str]:
    """What the project's checks say of this app, by id."""
    messages = checks.run_checks(include_deployment_checks=deploy)
    own = [message for message in messages if (message.id or "").startswith("pushjobs.")]
    assert all(message.hint for message in own)
    return {str(message.id): message.msg for message in own}


def test_a_key_that_is_not_given_has_its_default() -> None:
    with override_settings(PUSHJOBS={"LEASE": 7}):
        assert (settings.LEASE, settings.MAX_ATTEMPTS) == (7, Settings().MAX_ATTEMPTS)


def test_a_change_is_seen_at_once_and_taken_back() -> None:
    before = settings.LEASE
    with override_settings(PUSHJOBS={"LEASE": before + 1}):
        assert before + 1 == settings.LEASE
    assert before == settings.LEASE


@pytest.mark.parametrize(
    "wrong",
    [
        {"LAESE": 1},
        {"LEASE": 0},
        {"LEASE": "long"},
        {"ENQUEUE_FALLBACK": "hope"},
        {"TOKEN_ALGORITHM": "none"},
        {"TOKEN_HEADER": "X: Y"},
        {"MAX_ATTEMPTS": 1.5},
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_wherever_it_is_used_and_by_the_checks(
    wrong: dict[str, Any],
) -> None:
    (key,) = wrong
    with override_settings(PUSHJOBS=wrong):
        with pytest.raises(ImproperlyConfigured, match=key):
            _ = settings.LEASE
        assert key in found(deploy=True)["pushjobs.E001"]


def test_the_tests_own_settings_are_in_order() -> None:
    assert found(deploy=True) == {}


def test_a_missing_channel_layer_is_told(configure: Configure, settings: Any) -> None:
    configure(CHANNEL_LAYER="elsewhere")
    assert "elsewhere" in found()["pushjobs.E002"]
    configure(CHANNEL_LAYER="default")
    settings.CHANNEL_LAYERS = {}
    assert "pushjobs.E002" in found()


def test_a_log_that_cannot_be_imported_is_told(configure: Configure) -> None:
    configure(LOG="pushjobs.log.nowhere.Log")
    assert "pushjobs.E003" in found()


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


def test_a_project_without_asgi_is_told(settings: Any) -> None:
    settings.ASGI_APPLICATION = None
    assert "pushjobs.W002" in found()


def test_a_key_that_is_misspelt_is_told_with_the_one_that_was_meant(configure: Configure) -> None:
    configure(EMBEDED_THREADS=4)
    assert "did you mean 'EMBEDDED_THREADS'?" in found()["pushjobs.E001"]


def test_a_storage_that_is_not_there_is_told(configure: Configure) -> None:
    configure(STORAGE="elsewhere")
    assert list(found()) == ["pushjobs.E006"]


@pytest.mark.parametrize(
    ("application", "told"),
    [
        ("tests.unit.test_conf.django_alone", ["pushjobs.W003"]),
        ("tests.unit.test_conf.under_another_prefix", ["pushjobs.W003"]),
        ("tests.unit.test_conf.nothing_of_that_name", ["pushjobs.E007"]),
        ("project.asgi.application", []),
    ],
)
def test_an_asgi_application_without_streams_is_told(
    settings: Any, application: str, told: list[str]
) -> None:
    settings.ASGI_APPLICATION = application
    assert list(found()) == told


django_alone = ASGIHandler()
under_another_prefix = with_streams(django_alone, prefix="api/")
