"""The fixtures of the protocol: cases for clients in any language (see ``README.md`` here)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAMES = ("eventstream", "jobs", "cursors", "sockets", "streams", "pages", "answers", "closes")

Case = dict[str, Any]


def cases(name: str) -> list[Case]:
    """The cases of one file."""
    found: list[Case] = json.loads((FOLDER / f"{name}.json").read_text())["cases"]
    return found


def by_name(case: Case) -> str:
    return str(case["name"])


def events() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every event that a fixture tells, with the name of its case."""
    for case in cases("jobs"):
        yield from ((case["name"], event) for event in case["events"])
    for case in cases("sockets"):
        yield from ((case["name"], it["event"]) for it in case["frames"] if "event" in it)
    for case in cases("pages"):
        yield from ((case["name"], item["event"]) for item in case["page"]["events"])
