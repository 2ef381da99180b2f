"""``docs/architecture.md`` names every part, and no part that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_table_of_floors_names_every_part_that_import_linter_keeps() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "floors")
    kept = {part.strip() for layer in layers for part in layer.split("|")}
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text[text.index("| floor |") : text.index("## The path of a job")]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("|")][2:]
    named = {name.rstrip("/") for row in rows for name in re.findall(r"`([a-z_]+/?)`", row)}
    assert named == kept
