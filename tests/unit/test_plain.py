"""``pushjobs.plain``: whatever comes in, what comes out is JSON that all can take."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pushjobs import plain

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.frozensets(st.dates()),
    max_leaves=20,
)


@given(anything)
def test_anything_becomes_json_that_fits(value: Any) -> None:
    found = plain.jsonable(value)
    assert plain.misfit(found) is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_what_is_too_deep_is_cut_and_said_to_be() -> None:
    value: Any = "bottom"
    for _ in range(500):
        value = [value]
    assert plain.misfit(value) == "nested more than 100 deep"
    assert plain.misfit(plain.jsonable(value)) is None


@given(st.text())
def test_text_that_is_unicode_stays_as_it_is_but_for_nul(text: str) -> None:
    assert plain.text(text) == text.replace("\x00", "\ufffd")
