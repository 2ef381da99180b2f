"""``pushjobs.preferences``: the ``Prefer`` header of RFC 7240."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushjobs import preferences


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("respond-async, wait=100, handling=lenient", 100),
        ("wait=10", 10),
        ("Wait=10", 10),
        ("respond-async,wait=10", 10),
        ("respond-async; foo=bar, wait=10", 10),
        ('foo; some-parameter="", wait=7', 7),
        ('wait="7"', 7),
        ("wait = 7", 7),
        ("wait=7;foo=bar", 7),
        ('priority="a, wait=3", wait=5', 5),
        ("wait=5, wait=10", 5),
        ("wait=0", 0),
        (",, wait=1 ,", 1),
    ],
)
def test_a_wait_is_found_among_other_preferences(header: str, expected: float) -> None:
    assert preferences.wait(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        "wait",
        "wait=",
        "wait=soon",
        "wait=-1",
        "wait=1.5",
        "wait=1e3",
        "wait=٣",
        "wait=99999999999",
        "wait==5",
        "wait=5 6",
        "nowait=5",
        "respond-async",
        'x="wait=5"',
    ],
)
def test_a_wait_that_is_malformed_is_ignored(header: str) -> None:
    assert preferences.wait(header) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("respond-async", True),
        ("Respond-Async", True),
        ("return=minimal, respond-async, wait=10", True),
        ("respond-async; x=1", True),
        ('respond-async=""', True),
        ("x, respond-async", True),
        ("", False),
        ("respond-async=no", False),
        ("respond-asynchronously", False),
        ("respond async", False),
        ('x="respond-async"', False),
        ('x="a, respond-async, b"', False),
        ('x; y="a, respond-async, b", wait=3', False),
        ('x="\\", respond-async, \\""', False),
        ("respond-async=no, respond-async", False),
    ],
)
def test_respond_async_is_asked_for_by_its_name_alone(header: str, expected: bool) -> None:
    assert preferences.respond_async(header) is expected


def test_a_quoted_value_is_what_it_quotes() -> None:
    assert preferences.parse(r'a="b \"c\", d"; p="x, y", e=f') == {"a": 'b "c", d', "e": "f"}


def test_what_was_applied_is_named_in_the_headers_words() -> None:
    assert preferences.applied() == ""
    assert preferences.applied(respond_async=True) == "respond-async"
    assert preferences.applied(respond_async=True, wait=2.5) == "respond-async, wait=2.5"


def test_the_empty_value_is_the_same_as_none() -> None:
    assert preferences.parse('a, b=, c=""') == {"a": "", "b": "", "c": ""}


@given(st.text(max_size=200))
def test_no_header_is_an_error(header: str) -> None:
    preferences.parse(header)
    wait = preferences.wait(header)
    assert wait is None or 0 <= wait < 1e9


@pytest.mark.parametrize(
    "header", ['"' * 999, '"\\' * 499, "a=" + "\\" * 900 + '"', "a;" * 499 + '"']
)
def test_a_short_header_made_to_cost_time_does_not(header: str) -> None:
    assert preferences.parse(header).get("respond-async") is None


@pytest.mark.parametrize("header", ["a" * 64_000 + "@", "a" + " " * 64_000 + "@", " " * 64_000])
def test_a_header_made_to_cost_time_is_read_before_anyone_notices(header: str) -> None:
    """On the event loop it would hold up everyone; here it may take as long as a slow machine."""
    reading = threading.Thread(target=preferences.parse, args=(header,), daemon=True)
    reading.start()
    reading.join(20)
    assert not reading.is_alive()
