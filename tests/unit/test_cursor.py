"""``pushjobs.cursor``: what is given out is read back, and nothing else is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushjobs.cursor import EARLIEST, Cursor, Position, Start
from pushjobs.exceptions import InvalidCursor

positions = st.builds(
    Position, st.text("0123456789abcdefXYZ_-", min_size=1, max_size=32), st.integers(0, 10**18 - 1)
)
channels = st.text(min_size=1, max_size=50)
places = st.lists(
    st.tuples(channels, st.none() | positions), min_size=1, max_size=20, unique_by=lambda it: it[0]
)


def encoded(places: list[tuple[str, Position | None]]) -> str:
    return Cursor.join(Cursor.encode_one(*place) for place in places)


@given(places)
def test_a_cursor_of_any_channels_is_read_back(places: list[tuple[str, Position | None]]) -> None:
    names = [name for name, _ in places]
    assert Cursor.decode(encoded(places), names) == Cursor(tuple(Start(it) for _, it in places))


@given(places)
def test_a_cursor_goes_unharmed_through_urls_headers_and_sse(
    places: list[tuple[str, Position | None]],
) -> None:
    text = encoded(places)
    assert text.isascii()
    assert set(text) <= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.~")


@given(st.text(max_size=300) | st.from_regex(r"[0-9a-f]{8}\.[^~]{0,40}\.[0-9]{0,30}"))
def test_any_other_text_is_refused_with_one_error(text: str) -> None:
    try:
        cursor = Cursor.decode(text, ["job:1"])
    except InvalidCursor:
        return
    assert text in ("", EARLIEST, Cursor.encode_one("job:1", cursor.starts[0].position))


@pytest.mark.parametrize(
    "text",
    [
        "~",
        "-~-",
        "0.0.0",
        "Earliest",
        "x" * 100_000,
        Cursor.encode_one("job:1", Position("a", 1)) + "\n",
        Cursor.encode_one("job:1", Position("a", 1)).replace(".1", ".-1"),
        Cursor.encode_one("job:1", Position("a", 1)).replace(".1", ".١"),
        Cursor.encode_one("job:2", Position("a", 1)),
    ],
)
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        Cursor.decode(text, ["job:1"])


def test_the_channels_of_a_cursor_stand_in_the_order_of_the_request() -> None:
    places: list[tuple[str, Position | None]] = [
        ("job:1", Position("a", 1)),
        ("job:2", Position("a", 2)),
    ]
    with pytest.raises(InvalidCursor):
        Cursor.decode(encoded(places), ["job:2", "job:1"])
    with pytest.raises(InvalidCursor):
        Cursor.decode(encoded(places), ["job:1"])


def test_earliest_has_no_position_in_any_channel() -> None:
    assert Cursor.decode(EARLIEST, ["a", "b"]).starts == (Start(None, earliest=True),) * 2


def test_earliest_may_stand_for_one_of_many() -> None:
    place = Position("a", 1)
    text = Cursor.join([EARLIEST, Cursor.encode_one("b", place), Cursor.encode_one("c", None)])
    starts = Cursor.decode(text, ["a", "b", "c"]).starts
    assert starts == (Start(earliest=True), Start(place), Start())


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_cursor_no_channel_has_a_start(text: str | None) -> None:
    assert Cursor.decode(text, ["a", "b"]).starts == (Start(), Start())


@given(positions, positions)
def test_positions_of_two_epochs_do_not_compare(one: Position, other: Position) -> None:
    if one.epoch != other.epoch:
        assert not one.covers(other)
        assert not one.precedes(other)
    else:
        assert one.covers(other) == (one.offset >= other.offset)
        assert one.precedes(other) == (one.offset + 1 == other.offset)
