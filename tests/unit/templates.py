"""A rendered page, read."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """The custom elements and links of a page, its text outside of scripts, and its JSON."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[dict[str, str | None]] = []
        self.links: list[str | None] = []
        self.data: dict[str, Any] | None = None
        self._said: list[str] = []
        self._script = ""
        self.feed(text)

    @property
    def text(self) -> str:
        return "".join(self._said).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self._script = (attributes.get("type") or "") if tag == "script" else ""
        if "-" in tag:
            self.elements.append(attributes)
        elif tag == "a":
            self.links.append(attributes["href"])

    def handle_endtag(self, tag: str) -> None:
        self._script = ""

    def handle_data(self, data: str) -> None:
        if self._script == "application/json":
            self.data = json.loads(data)
        elif not self._script:
            self._said.append(data)


def parsed(text: str) -> Page:
    return Page(text)
