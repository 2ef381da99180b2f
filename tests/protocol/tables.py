"""The tables of a Markdown document."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.processes import ROOT

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
#: What serves: a client of it has words of its own.
CODE = {
    path: path.read_text()
    for path in sorted((ROOT / "pushjobs").rglob("*.py"))
    if not path.is_relative_to(ROOT / "pushjobs" / "client")
}

#: A cell that is all code.
_CODE = re.compile(r"^`([^`]*)`$")

Row = dict[str, str]


def rows(text: str, heading: str) -> list[Row]:
    """The rows of all tables whose first column is so headed, by their columns' headings."""
    found: list[Row] = []
    lines = iter(text.splitlines())
    for line in lines:
        names = _cells(line)
        if names[:1] != [heading]:
            continue
        assert set("".join(_cells(next(lines)))) == {"-"}, f"a table needs a rule below {line}"
        for row in _body(lines):
            assert len(row) == len(names), f"{row} has not the columns of {names}"
            found.append(dict(zip(names, row, strict=True)))
    assert found, f"no table has a column {heading!r}"
    return found


def _body(lines: Iterator[str]) -> Iterator[list[str]]:
    for line in lines:
        if not (cells := _cells(line)):
            return
        yield cells


def _cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return []
    return [_CODE.sub(r"\1", cell.strip()) for cell in line.strip("|").split("|")]


def in_code(pattern: str) -> set[str]:
    """What the group of a pattern finds in the package."""
    return {found for text in CODE.values() for found in re.findall(pattern, text)}
