"""``project.demo.csv_profile``: how it reads a file, and what it refuses to read."""

from __future__ import annotations

import codecs
import csv
import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.demo import InputError, csv_profile


class SilentRun:
    cancelled = False

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        pass

    def emit(self, chunk: str, stream: str = "output") -> None:
        pass


def profile(data: bytes, top: int = 10) -> dict[str, Any]:
    found = csv_profile.profile(io.BytesIO(data), "t.csv", len(data), top, SilentRun())
    json.dumps(found, allow_nan=False)
    return found


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        profile(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, name: str, line_end: str) -> None:
    found = profile(line_end.join(["Stadt;Größe", "Köln;1", "Zürich;2"]).encode(encoding))
    assert (found["encoding"], found["delimiter"], found["rows"]) == (name, ";", 2)
    assert [one["name"] for one in found["columns"]] == ["Stadt", "Größe"]
    assert found["columns"][0]["top"][0]["value"] == "Köln"


def test_utf16_of_either_byte_order() -> None:
    text = "a,b\nŁódź,1\n"
    for data in (
        codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ):
        assert profile(data)["columns"][0]["top"] == [{"value": "Łódź", "count": 1}]


def test_encoding_that_shows_late() -> None:
    ascii_rows = b"name\n" + b"Anna\n" * 20_000
    late = profile(ascii_rows + "Zoë\n".encode("cp1252"), top=2)
    assert late["encoding"] == "cp1252"
    assert late["columns"][0]["top"][1]["value"] == "Zoë"
    damaged = profile("name\nZoë\n".encode() + b"Zo\xff\n")
    assert damaged["encoding"] == "utf-8"
    assert [one["value"] for one in damaged["columns"][0]["top"]] == ["Zoë", "Zo\ufffd"]


def test_letters_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_profile, "BLOCK_BYTES", 1)
    found = profile("name,x\r\nZoë,1\r\n€,2\r\n".encode())
    assert (found["encoding"], found["rows"]) == ("utf-8", 2)
    assert [one["value"] for one in found["columns"][0]["top"]] == ["Zoë", "€"]
    assert profile("name,x\nZoë,1\n".encode("cp1252"))["encoding"] == "cp1252"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str) -> None:
    rows = [["name", "note"], ["a", 'says "x, y"; z'], ["b", "two\nlines"], ["c", ""]]
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    found = profile(file.getvalue().encode())
    assert (found["delimiter"], found["rows"], found["ragged_rows"]) == (delimiter, 3, 0)
    assert found["columns"][1]["top"][0]["value"] == 'says "x, y"; z'


def test_a_single_column_has_no_delimiter_to_find() -> None:
    found = profile(b"name\nAnna\nBob\n")
    assert (found["delimiter"], len(found["columns"]), found["rows"]) == (",", 1, 2)


def test_ragged_rows_count_with_nulls_for_what_is_missing() -> None:
    found = profile(b"a,b\n1,2\n3\n\n4,5,6\n")
    assert (found["rows"], found["ragged_rows"]) == (3, 2)
    assert [(one["count"], one["nulls"]) for one in found["columns"]] == [(3, 0), (2, 1)]


def test_each_column_has_a_name_of_its_own() -> None:
    found = profile(b"a,,a,a (2),a\n1,2,3,4,5\n")
    names = [one["name"] for one in found["columns"]]
    assert names == ["a", "column 2", "a (2)", "a (2) (2)", "a (3)"]


def test_header_only() -> None:
    found = profile(b"a,b\n")
    assert found["rows"] == 0
    assert [one["type"] for one in found["columns"]] == ["empty", "empty"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  \n", codecs.BOM_UTF8])
def test_empty(data: bytes) -> None:
    assert refusal(data) == "The file is empty."


@pytest.mark.parametrize(
    "data", [b"a,b\n1,\x00\n", b"\x89PNG\r\n\x1a\n\x00\x00", "a,b\n1,2\n".encode("utf-16-le")]
)
def test_binary(data: bytes) -> None:
    assert refusal(data).startswith("The file is binary")


def test_limits() -> None:
    assert "a line of more than" in refusal(b"a" * (csv_profile.LINE_LIMIT + 70_000))
    assert "1,000 columns" in refusal(b"," * 999 + b"\n")
    assert refusal(b"a\n" + b"x" * 200_000 + b"\n").startswith("Line 2: field larger")


def test_a_run_that_is_cancelled_reads_no_further() -> None:
    class Cancelled(Exception):
        pass

    class CancelledRun(SilentRun):
        def progress(self, *args: Any, **kwargs: Any) -> None:
            raise Cancelled

    file = io.BytesIO(b"a\n" + b"1\n" * 500_000)
    with pytest.raises(Cancelled):
        csv_profile.profile(file, "t.csv", 1_000_002, 10, CancelledRun())
    assert file.tell() == csv_profile.BLOCK_BYTES


@given(st.one_of(st.binary(), st.text('ab,;"\t|\r\n\ufeff 1.').map(str.encode)))
def test_any_bytes_have_a_profile_or_a_reason(data: bytes) -> None:
    with suppress(InputError):
        profile(data)
