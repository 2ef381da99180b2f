"""``pushjobs.conf``: settings that are typed, and told when wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from pushjobs.conf import Settings, settings
from tests.unit.conftest import Configure
from tests.unit.systemchecks import found


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


def test_a_key_that_is_misspelt_is_told_with_the_one_that_was_meant(configure: Configure) -> None:
    configure(EMBEDED_THREADS=4)
    assert "did you mean 'EMBEDDED_THREADS'?" in found()["pushjobs.E001"]
