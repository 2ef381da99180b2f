"""``project.demo.csv_profile``: what it finds in a table."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.demo import csv_profile

FLIGHTS = Path(csv_profile.__file__).parent / "data" / "flights.csv"


@dataclass
class FakeRun:
    cancelled: bool = False
    steps: list[tuple[float, float | None]] = field(default_factory=list)
    output: str = ""

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        self.steps.append((done, total))

    def emit(self, chunk: str, stream: str = "output") -> None:
        self.output += chunk


def profile(data: bytes, top: int = 10, run: FakeRun | None = None) -> dict[str, Any]:
    found = csv_profile.profile(io.BytesIO(data), "t.csv", len(data), top, run or FakeRun())
    json.dumps(found, allow_nan=False)
    return found


def column(*cells: str, top: int = 10) -> dict[str, Any]:
    """The profile of these cells, with a second column so that no record is a blank line."""
    lines = "".join(f"{cell},x\n" for cell in cells)
    found: dict[str, Any] = profile(f"c,filler\n{lines}".encode(), top)["columns"][0]
    return found


def test_flights() -> None:
    run = FakeRun()
    size = FLIGHTS.stat().st_size
    with FLIGHTS.open("rb") as file:
        found = csv_profile.profile(file, "flights.csv", size, 3, run)

    assert (found["file"], found["rows"], found["ragged_rows"]) == ("flights.csv", 12_208, 0)
    assert (found["delimiter"], found["encoding"]) == (",", "utf-8")
    columns = {one["name"]: one for one in found["columns"]}
    with FLIGHTS.open(newline="") as table:
        cells = [row["dep_delay"] for row in csv.DictReader(table)]
    delays = [int(cell) for cell in cells if cell != "NA"]
    assert columns["dep_delay"] == {
        "name": "dep_delay",
        "type": "integer",
        "count": len(delays),
        "nulls": cells.count("NA"),
        "distinct": len(set(delays)),
        "distinct_exact": True,
        "min": min(delays),
        "max": max(delays),
        "mean": pytest.approx(fmean(delays)),
        "top": [
            {"value": str(delay), "count": times} for delay, times in Counter(delays).most_common(3)
        ],
    }
    assert columns["carrier"]["type"] == "text"
    assert (columns["carrier"]["min_length"], columns["carrier"]["max_length"]) == (2, 2)
    assert columns["time_hour"]["type"] == "datetime"
    assert columns["time_hour"]["min"] == "2013-01-01T10:00:00Z"
    assert len(json.dumps(found)) < 32 * 1024
    assert run.steps[-1] == (size, size)
    assert run.steps == sorted(run.steps)
    assert len(run.steps) > 10
    assert run.output.count("\n") == len(columns)
    assert "carrier: text, 12,208 values, 0 null, 15 distinct" in run.output


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "+3", "NA", ""], "integer"),
        (["1", "2.5", ".5", "5.", "1e3", "-1.5E-7"], "number"),
        (["true", "FALSE", "Yes", "no"], "boolean"),
        (["2024-02-29", "1999-12-31"], "date"),
        (["2024-02-29T12:00:00Z", "2024-02-29 12:00", "2024-01-01T00:00:00+02:00"], "datetime"),
        (["2024-02-29", "2024-02-29T12:00:00Z"], "datetime"),
        (["", "NA", "null"], "empty"),
        (["1", "one"], "text"),
        (["1", "2024-02-29"], "text"),
        (["2023-02-29"], "text"),
        (["2024-02-29T25:00"], "text"),
        (["00501"], "text"),
        (["1234567890123456789"], "text"),
        (["1e999", "inf"], "text"),
        (["٣"], "text"),
        (["1_000"], "text"),
        (["9" * 5000], "text"),
    ],
)
def test_type(cells: list[str], kind: str) -> None:
    assert column(*cells)["type"] == kind


def test_numbers_stay_standard_json() -> None:
    huge = "1.7e308"
    found = column(huge, huge, "-1.7e308", huge)
    assert (found["max"], found["mean"]) == (1.7e308, pytest.approx(0.85e308))
    assert column("0.1", "0.2")["mean"] == 0.15
    assert column("1", "2")["min"] == 1
    assert isinstance(column("1", "2")["min"], int)


def test_the_output_tells_numbers_with_as_many_digits_as_are_read() -> None:
    run = FakeRun()
    profile(b"small,large\n1,123456789.5\n2,123456789.5\n2,123456789.5\n", run=run)
    assert "mean 1.66667\n" in run.output
    assert "mean 123,456,790\n" in run.output


def test_dates_are_compared_as_moments_and_shown_as_written() -> None:
    found = column("2024-01-01T01:00:00+02:00", "2024-01-01", "2024-01-01T00:30:00-05:00")
    assert found["min"] == "2024-01-01T01:00:00+02:00"
    assert found["max"] == "2024-01-01T00:30:00-05:00"
    assert column("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")["type"] == "datetime"


def test_memory_of_a_column_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_profile, "DISTINCT_LIMIT", 3)
    run = FakeRun()
    found = profile(b"a\nw\nx\ny\nz\nx\nz\n", run=run)["columns"][0]
    assert (found["distinct"], found["distinct_exact"], found["count"]) == (3, False, 6)
    assert found["top"][0] == {"value": "x", "count": 2}
    assert "3+ distinct" in run.output
    monkeypatch.setattr(csv_profile, "DISTINCT_TEXT_LIMIT", 2)
    assert profile(b"a\nww\nxx\n")["columns"][0]["distinct"] == 1


def test_long_values_are_shown_cut() -> None:
    assert len(column("x" * 5000)["top"][0]["value"]) == csv_profile.SHOWN_LENGTH


cells = st.one_of(
    st.sampled_from(["", "NA", "null"]),
    st.integers(-(10**9), 10**9).map(str),
    st.floats(-1e9, 1e9).map(lambda number: f"{number:.6f}"),
    st.dates().map(date.isoformat),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n))))
def test_agrees_with_a_naive_count(rows: list[list[str]]) -> None:
    width = len(rows[0]) if rows else 1
    file = io.StringIO()
    csv.writer(file).writerows([[f"c{number}" for number in range(width)], *rows])
    found = profile(file.getvalue().encode(), top=100)

    assert found["rows"] == len(rows)
    for number, one in enumerate(found["columns"]):
        values = [row[number].strip() for row in rows]
        present = [value for value in values if value not in csv_profile.NULLS]
        assert (one["count"], one["nulls"]) == (len(present), len(values) - len(present))
        assert {entry["value"]: entry["count"] for entry in one["top"]} == Counter(present)
        assert one["distinct"] == len(set(present))
        if one["type"] in {"integer", "number"}:
            numbers = [float(value) for value in present]
            assert (one["min"], one["max"]) == (min(numbers), max(numbers))
            assert one["mean"] == pytest.approx(fmean(numbers))
        if one["type"] == "date":
            assert (one["min"], one["max"]) == (min(present), max(present))
        if one["type"] == "text":
            lengths = [len(value) for value in present]
            assert (one["min_length"], one["max_length"]) == (min(lengths), max(lengths))
