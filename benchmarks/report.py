"""``python -m benchmarks.report RESULTS.json [PAGE.md]``: the tables of a run, as Markdown.

Without a page they are printed. In a page, what stands between ``<!-- table: NAME -->`` and
``<!-- end -->`` becomes the table of that name, and ``<!-- run -->`` … ``<!-- end -->`` what it was
measured on: the page's figures are those of the file, and no others.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.table import Table

_BLOCK = re.compile(r"<!-- (?:table: (?P<table>[\w-]+)|run) -->\n.*?<!-- end -->", re.DOTALL)


def page(text: str, results: dict[str, Any]) -> str:
    """A page with the figures of a run; raises ``KeyError`` for a table that the run has not."""
    tables = {found["name"]: Table.of_document(found) for found in results["tables"]}

    def block(match: re.Match[str]) -> str:
        name = match["table"]
        lines = _run(results) if name is None else _table(tables[name])
        mark = "run" if name is None else f"table: {name}"
        return "\n".join([f"<!-- {mark} -->", *lines, "<!-- end -->"])

    return _BLOCK.sub(block, text)


def _table(table: Table) -> list[str]:
    said = [f"- {note}" for note in [*table.notes, *table.failures]]
    return [f"**{table.title}**", "", *table.lines(), *(["", *said] if said else [])]


def _run(results: dict[str, Any]) -> list[str]:
    machine, versions = results["machine"], results["versions"]
    return [
        f"- {results['date'][:10]}, commit `{results['commit'][:12]}`",
        (
            f"- {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['system']}"
        ),
        "- " + "; ".join(f"{name} {_short(said)}" for name, said in versions.items()),
    ]


def _short(version: str) -> str:
    """The number in what a program says of its version."""
    found = re.search(r"\d+(\.\d+)+", version)
    return found.group() if found else version


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("page", type=Path, nargs="?")
    options = parser.parse_args()
    results = json.loads(options.results.read_text())
    if options.page is None:
        for found in results["tables"]:
            print(Table.of_document(found).text())  # noqa: T201
        return 0
    try:
        options.page.write_text(page(options.page.read_text(), results))
    except KeyError as missing:
        print(f"{options.results} has no table {missing}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
