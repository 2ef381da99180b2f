"""A profile of a CSV file, column by column: one pass, bounded memory."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain, count, islice, repeat
from math import isfinite
from typing import Any, BinaryIO

from project.demo import InputError, Reporter

BLOCK_BYTES = 64 * 1024
LINE_LIMIT = 1024 * 1024  # characters
COLUMN_LIMIT = 512
DISTINCT_LIMIT = 10_000  # different values that a column tells apart, ...
DISTINCT_TEXT_LIMIT = 1024 * 1024  # ... if they hold no more characters than this together
SHOWN_LENGTH = 100  # characters of a name or a value
DELIMITERS = ",;\t|"
NULLS = frozenset({"", "NA", "N/A", "NULL", "null", "NaN", "nan"})

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_PARSED_CHARACTERS = 40  # no number or date is longer
# A whole number with leading zeros, or with more digits than 64 bits hold, is a code: text.
_INTEGER = re.compile(r"[+-]?(?!0\d)\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?!0\d)(?=\.?\d)\d*(?:\.\d*|(?=[eE]))(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?", re.ASCII)
_WIDER = {"integer": "number", "date": "datetime"}


def profile(file: BinaryIO, name: str, size: int, top: int, report: Reporter) -> dict[str, Any]:
    """Profile a CSV file whose first record names its columns.

    ``size`` is in bytes, and so is the progress; a line is emitted for each finished column.
    Returns ``{"file", "encoding", "delimiter", "rows", "ragged_rows", "columns"}``, each
    column ``{"name", "type", "count", "nulls", "distinct", "distinct_exact", "top"}``, and
    ``"min"``, ``"max"``, ``"mean"`` for numbers, ``"min"``, ``"max"`` as written for dates,
    ``"min_length"``, ``"max_length"`` in characters for text. The type is integer, number,
    boolean, date, datetime (both ISO 8601), text or empty. ``count`` leaves out ``nulls``; ``top``
    is ``[{"value", "count"}]``, the most frequent first. Where ``distinct_exact`` is false, there
    are more different values than were told apart, and ``top`` may miss some of the later ones.

    Blank lines are skipped. A ragged row counts: its missing cells are null, its surplus ones are
    left out. Raises ``InputError`` for an empty or binary file and over a limit.
    """
    text = _Text(_blocks(file, size, report))
    lines = text.lines()
    head = list(islice(lines, 20))
    delimiter = _delimiter(head)
    records = _records(chain(head, lines), delimiter)
    header = next((cells for cells in records if cells != [""]), None)
    if header is None:
        raise InputError("The file is empty.")
    if len(header) > COLUMN_LIMIT:
        raise InputError(f"The file has {len(header):,} columns; {COLUMN_LIMIT} are possible.")
    columns = [_Column(column) for column in _names(header)]
    rows = ragged = 0
    for cells in records:
        rows += 1
        ragged += len(cells) != len(columns)
        for column, cell in zip(columns, chain(cells, repeat("")), strict=False):
            column.add(cell)
    for column in columns:
        report.emit(column.summary())
    return {
        "file": name,
        "encoding": text.encoding,
        "delimiter": delimiter,
        "rows": rows,
        "ragged_rows": ragged,
        "columns": [column.profile(top) for column in columns],
    }


def _blocks(file: BinaryIO, size: int, report: Reporter) -> Iterator[bytes]:
    done = 0
    while block := file.read(BLOCK_BYTES):
        yield block
        done += len(block)
        report.progress(done, size, "reading")


@dataclass(slots=True)
class _Text:
    """Bytes as lines of text; ``encoding`` is final once all of them are read."""

    blocks: Iterator[bytes]
    encoding: str = ""

    def lines(self) -> Iterator[str]:
        newlines = io.IncrementalNewlineDecoder(None, translate=True)
        rest = ""
        for text in self._decoded():
            if "\0" in text:
                raise InputError("The file is binary, or UTF-16 without a byte order mark.")
            *lines, rest = (rest + newlines.decode(text)).split("\n")
            yield from (line + "\n" for line in lines)
            if len(rest) > LINE_LIMIT:
                raise InputError(f"The file has a line of more than {LINE_LIMIT:,} characters.")
        yield rest

    def _decoded(self) -> Iterator[str]:
        ascii_so_far = True
        for block in chain(self.blocks, [b""]):
            if not self.encoding:
                self.encoding = next((_BOMS[m] for m in _BOMS if block.startswith(m)), "utf-8")
                errors = "strict" if self.encoding == "utf-8" else "replace"
                decoder = codecs.getincrementaldecoder(self.encoding)(errors)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                # Not UTF-8 after all, unless there were UTF-8 letters: then it is damaged UTF-8.
                if ascii_so_far and error.object[: error.start].isascii():
                    self.encoding = "cp1252"
                decoder = codecs.getincrementaldecoder(self.encoding)("replace")
                text = decoder.decode(error.object, final=not block)  # and what was kept back
            ascii_so_far = ascii_so_far and text.isascii()
            yield text


def _delimiter(head: list[str]) -> str:
    header = next((line for line in head if line.strip()), "")
    with suppress(csv.Error):
        sniffed = csv.Sniffer().sniff("".join(head)[:8192], DELIMITERS).delimiter
        if sniffed and sniffed in header:
            return sniffed
    return max(DELIMITERS, key=header.count)


def _records(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        for record in reader:
            if record:
                yield [cell.strip() for cell in record]
    except csv.Error as error:
        raise InputError(f"Line {reader.line_num:,}: {error}.") from None


def _names(header: list[str]) -> list[str]:
    names: list[str] = []
    for number, cell in enumerate(header, start=1):
        plain = name = cell[:SHOWN_LENGTH] or f"column {number}"
        copies = count(2)
        while name in names:
            name = f"{plain} ({next(copies)})"
        names.append(name)
    return names


@lru_cache(maxsize=65_536)
def _parse(cell: str) -> tuple[str, Decimal | datetime | None]:
    """What one cell looks like, with its number or its moment for comparing."""
    if _INTEGER.fullmatch(cell):
        return "integer", Decimal(cell)
    if _NUMBER.fullmatch(cell) and isfinite(float(cell)):
        return "number", Decimal(cell)
    if cell.casefold() in {"true", "false", "yes", "no"}:
        return "boolean", None
    if _MOMENT.fullmatch(cell):
        with suppress(ValueError):
            moment = datetime.fromisoformat(cell)
            kind = "date" if len(cell) == len("2013-01-31") else "datetime"
            return kind, moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return "text", None


@dataclass(slots=True)
class _Column:
    name: str
    count: int = 0
    nulls: int = 0
    kinds: set[str] = field(default_factory=set)
    ranges: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    total: Decimal = Decimal(0)
    values: Counter[str] = field(default_factory=Counter)
    characters: int = 0  # in ``values``
    distinct_exact: bool = True

    def add(self, cell: str) -> None:
        if cell in NULLS:
            self.nulls += 1
            return
        self.count += 1
        kind, order = _parse(cell) if len(cell) <= _PARSED_CHARACTERS else ("text", None)
        self.kinds.add(kind)
        self._widen("length", len(cell))
        if isinstance(order, Decimal):
            self._widen("number", order)
            self.total += order
        elif order is not None:
            self._widen("moment", (order, cell))
        if cell in self.values:
            self.values[cell] += 1
        elif len(self.values) < DISTINCT_LIMIT and self.characters < DISTINCT_TEXT_LIMIT:
            self.values[cell] = 1
            self.characters += len(cell)
        else:
            self.distinct_exact = False

    def _widen(self, name: str, value: Any) -> None:
        low, high = self.ranges.get(name, (value, value))
        self.ranges[name] = min(low, value), max(high, value)

    @property
    def type(self) -> str:
        several = len(self.kinds) > 1
        kinds = {_WIDER.get(kind, kind) for kind in self.kinds} if several else self.kinds
        return "text" if len(kinds) > 1 else next(iter(kinds), "empty")

    def extremes(self) -> dict[str, Any]:
        if self.type in {"integer", "number"}:
            low, high = map(int if self.type == "integer" else float, self.ranges["number"])
            return {"min": low, "max": high, "mean": float(self.total / self.count)}
        if self.type in {"date", "datetime"}:
            (_, low), (_, high) = self.ranges["moment"]
            return {"min": low, "max": high}
        if self.type == "text":
            shortest, longest = self.ranges["length"]
            return {"min_length": shortest, "max_length": longest}
        return {}

    def profile(self, top: int) -> dict[str, Any]:
        frequent = self.values.most_common(top)
        return {
            "name": self.name,
            "type": self.type,
            "count": self.count,
            "nulls": self.nulls,
            "distinct": len(self.values),
            "distinct_exact": self.distinct_exact,
            **self.extremes(),
            "top": [{"value": v[:SHOWN_LENGTH], "count": n} for v, n in frequent],
        }

    def summary(self) -> str:
        distinct = f"{len(self.values):,}{'' if self.distinct_exact else '+'} distinct"
        facts = [self.type, f"{self.count:,} values", f"{self.nulls:,} null", distinct]
        facts += [f"{key} {_told(value)}" for key, value in self.extremes().items()]
        return f"{self.name}: {', '.join(facts)}\n"


def _told(value: object) -> str:
    """A number with as many digits as are read, anything else as it is."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:.6g}"
