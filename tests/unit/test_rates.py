"""``pushjobs.rates`` and the settings that are rates."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from pushjobs.conf import settings
from pushjobs.rates import Rate, rate_of
from tests.unit.conftest import Configure


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/minute", Rate(600, 60)),
        ("1/second", Rate(1, 1)),
        ("5/hour", Rate(5, 3600)),
        ("9/day", Rate(9, 86400)),
        ("", None),
    ],
)
def test_a_rate_is_so_many_in_a_period_and_an_empty_text_is_none(
    text: str, rate: Rate | None
) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize(
    "wrong", ["0/minute", "-1/day", "5", "5/", "5/week", " 5/day", "1٥/day", 5]
)
def test_a_setting_that_is_no_rate_is_named_with_how_to_write_one(
    configure: Configure, wrong: object
) -> None:
    configure(USER_SUBMISSIONS=wrong)
    with pytest.raises(ImproperlyConfigured, match=r'USER_SUBMISSIONS.*"600/minute"'):
        _ = settings.LEASE
