"""Tables: what a workload has found, for people and for the results' file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its key in each row, its heading (with the unit), and how numbers are printed."""

    key: str
    heading: str
    format: str = ""

    def text(self, row: Row) -> str:
        value = row.get(self.key)
        if value is None:
            return "–"
        return format(value, self.format) if isinstance(value, (int, float)) else str(value)


@dataclass(frozen=True, slots=True)
class Chart:
    """What of a table is drawn: bars of ``value`` by ``label``, or lines over ``over``."""

    value: str
    label: str
    over: str | None = None
    scale: Literal["linear", "log"] = "linear"
    over_scale: Literal["linear", "log"] = "log"


@dataclass(slots=True)
class Table:
    """What was measured; a row with ``missing`` says why a candidate could not be.

    ``name`` is unique in a run, and names the chart's file. ``failures`` make the run fail.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    chart: Chart | None = None

    def text(self) -> str:
        """For a terminal; valid Markdown as well."""
        said = [f"- {note}" for note in self.notes]
        said += [f"- FAILED: {failure}" for failure in self.failures]
        parts = [f"## {self.title}", "", *self.lines(), *([""] if said else []), *said, ""]
        return "\n".join(parts)

    def lines(self) -> list[str]:
        """The table alone, in Markdown."""
        lines = [[column.heading for column in self.columns]]
        for row in self.rows:
            if "missing" in row:
                first = self.columns[0].text(row)
                lines.append([first, row["missing"], *([""] * (len(self.columns) - 2))])
            else:
                lines.append([column.text(row) for column in self.columns])
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        lines.insert(1, ["-" * width for width in widths])
        return ["| " + " | ".join(map(str.ljust, line, widths)).rstrip() + " |" for line in lines]

    def document(self) -> dict[str, Any]:
        """For the results' file."""
        return {
            "name": self.name,
            "title": self.title,
            "columns": [asdict(column) for column in self.columns],
            "rows": self.rows,
            "notes": self.notes,
            "failures": self.failures,
        }

    @classmethod
    def of_document(cls, found: dict[str, Any]) -> Table:
        """A table as the results' file has it; what is drawn of it is not known any more."""
        columns = [Column(**column) for column in found["columns"]]
        rest = {key: found[key] for key in ("name", "title", "rows", "notes", "failures")}
        return cls(columns=columns, **rest)
