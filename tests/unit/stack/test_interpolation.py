"""Variables in a Compose file, form by form."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.stack.interpolation import InterpolationError, interpolate

VARIABLES = {"SET": "here", "EMPTY": "", "_a1": "odd"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("$SET and ${SET}", "here and here"),
        ("$SET.txt ${SET}x $_a1", "here.txt herex odd"),
        ("[$NONE${NONE}]", "[]"),
        ("$$SET $${SET} $$$SET", "$SET ${SET} $here"),
        ("${SET:-other} ${EMPTY:-other} ${NONE:-other}", "here other other"),
        ("${SET-other} [${EMPTY-other}] ${NONE-other}", "here [] other"),
        ("${NONE:-} ${NONE-}", " "),
        ("${SET:+more} [${EMPTY:+more}] [${NONE:+more}]", "more [] []"),
        ("${SET+more} ${EMPTY+more} [${NONE+more}]", "more more []"),
        ("${SET:?needed} [${EMPTY?needed}]", "here []"),
        ("${NONE:-redis://${SET}:${NONE:-6379}/1}", "redis://here:6379/1"),
        ("${NONE:-$SET} ${NONE:-$${SET}", "here ${SET"),
        ("${NONE:-a:-b} ${NONE:-a?b}", "a:-b a?b"),
        ("${SET:-${NONE:?not looked at}}", "here"),
        ("[${NONE:+${NONE:?not looked at}}]", "[]"),
    ],
)
def test_a_text_is_filled_in(text: str, filled: str) -> None:
    assert interpolate(text, VARIABLES) == filled


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${NONE:?set it}", "NONE is missing: set it"),
        ("${EMPTY:?set it}", "EMPTY is missing: set it"),
        ("${NONE?set it}", "NONE is missing: set it"),
        ("${NONE?}", "NONE is missing: it must be set"),
        ("${NONE:-${OTHER:?set $SET}}", "OTHER is missing: set here"),
        ("${SET", "SET"),
        ("${SET:-x", "a brace is not closed"),
        ("${}", "a variable's name is missing"),
        ("${1x}", "a variable's name is missing"),
        ("cost: 5$", "a variable's name is missing"),
        ("$ SET", "a variable's name is missing"),
        ("${SET/x/y}", "something that is not understood follows SET"),
    ],
)
def test_what_cannot_be_filled_in_is_an_error_that_says_why(text: str, reason: str) -> None:
    with pytest.raises(InterpolationError) as raised:
        interpolate(text, VARIABLES)
    assert reason in str(raised.value)


def test_all_values_of_a_document_are_filled_in_and_no_keys() -> None:
    document: Any = {"$SET": ["${SET}", {"deep": "$SET"}, 5, None, True]}
    assert interpolate(document, VARIABLES) == {"$SET": ["here", {"deep": "here"}, 5, None, True]}


@given(st.text())
def test_a_text_with_its_dollars_doubled_comes_out_as_it_was(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), {}) == text


@given(st.text(alphabet="${}:-+?AB "))
def test_any_text_is_filled_in_or_refused(text: str) -> None:
    with suppress(InterpolationError):
        assert isinstance(interpolate(text, {"A": "$A"}), str)
