"""``docs/elements.md`` names what the elements have: parts, properties, attributes and events."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "elements.md").read_text()
SOURCE = "".join(
    path.read_text() for path in sorted((ROOT / "frontend" / "src" / "elements").glob("*.ts"))
)


def named(heading: str) -> set[str]:
    """What the first column of the table under a heading names."""
    table = PAGE[PAGE.index(heading) :].split("\n\n", 1)[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    names = {name for row in rows for name in re.findall(r"`([-\w]+)(?:\(\))?`", row)}
    assert names
    return names


def test_each_part_is_named() -> None:
    parts = {
        name
        for group in re.findall(r'part: "([^"]+)"', SOURCE)
        for name in group.split()
        if name not in ("button", "live")  # The one is in the text, the other not to be seen.
    }
    columns = PAGE[PAGE.index("| part | what it is |") :].split("\n\n", 1)[0]
    first = {
        name
        for line in columns.splitlines()[2:]
        for name in re.findall(r"`([a-z]+)`", line.split("|")[1])
    }
    assert first == parts


def test_each_custom_property_is_named_with_its_default() -> None:
    own = dict(re.findall(r"var\((--pushjobs-[\w-]+), (?:light-dark\()?([^,)]+)", SOURCE))
    assert dict(re.findall(r"(--pushjobs-[\w-]+): ([^;]+);", PAGE)) == own


def test_each_attribute_and_event_is_named() -> None:
    observed = re.findall(r"observedAttributes: readonly string\[\] = \[([^\]]+)\]", SOURCE)
    read = re.findall(r'(?:this\.getAttribute\(|setAttribute\(this, )"([a-z]+)"', SOURCE)
    attributes = {name for group in observed for name in re.findall(r'"(\w+)"', group)} | set(read)
    told = PAGE[PAGE.index("| attribute | of | |") : PAGE.index("| property | of | |")]
    assert [name for name in sorted(attributes) if f"`{name}`" not in told] == []
    assert named("| event |") == set(re.findall(r'tell\("(job-\w+)"', SOURCE))


def test_each_property_is_named() -> None:
    public = {"jobs", "token", "labels", "job", "state", "cancel", "retry", "states", "renderRow"}
    assert named("| property |") == public
    assert all(re.search(rf"^  (?:get|async) {name}\(", SOURCE, re.MULTILINE) for name in public)
