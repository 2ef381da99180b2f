"""The fenced examples of a document, and how what a server gives is held against them.

``<name>`` stands for a value: of a kind that the name says, remembered under it, and from then on
the same. ``<time>`` and ``<number>`` are any. The member ``"…": "…"`` allows for further members.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

REST = "…"
_PLACEHOLDER = re.compile(r"<([a-z]+(?:-[0-9]+)?)>")
_KINDS = {
    "job": r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "token": r"[\w-]+\.[\w-]+\.[\w-]+",
    "cursor": r"[0-9a-f]{8}\.[\w-]+\.[0-9]+",
    "etag": r'W/"[0-9a-f-]+"',
    "time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z",
    "number": r"[0-9]+",
}
_ANY = ("time", "number")


class Mismatch(AssertionError):
    """What came is not what is documented."""


@dataclass(frozen=True)
class Fence:
    """A fenced block, and the line on which it begins."""

    language: str
    text: str
    line: int


def sections(text: str) -> dict[str, list[Fence]]:
    """The fences under each heading of the second level."""
    found: dict[str, list[Fence]] = {}
    heading, opened, lines = "", None, []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("```"):
            if opened is None:
                opened, lines = Fence(line[3:], "", number), []
            else:
                fence = Fence(opened.language, "\n".join(lines), opened.line)
                found.setdefault(heading, []).append(fence)
                opened = None
        elif opened is not None:
            lines.append(line)
        elif line.startswith("## "):
            heading = line[3:]
    assert opened is None, f"the fence of line {opened and opened.line} has no end"
    return found


@dataclass
class Values:
    """What placeholders stand for so far."""

    known: dict[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """``text`` with its placeholders filled in."""
        return _PLACEHOLDER.sub(lambda match: self.known[match[1]], text)

    def match(self, expected: Any, actual: Any, at: str = "$") -> None:
        """Raises ``Mismatch`` where a value is not as documented."""
        match expected:
            case dict():
                self._match_object(expected, actual, at)
            case list():
                self._check(isinstance(actual, list) and len(actual) == len(expected), at, actual)
                for place, (one, other) in enumerate(zip(expected, actual, strict=True)):
                    self.match(one, other, f"{at}[{place}]")
            case str():
                self._check(isinstance(actual, str), at, actual)
                self.match_text(expected, actual, at)
            case _:
                same = actual == expected and isinstance(actual, bool) == isinstance(expected, bool)
                self._check(same, at, f"{actual!r}, not {expected!r}")

    def match_text(self, expected: str, actual: str, at: str) -> None:
        pattern, names, end = "", [], 0
        for found in _PLACEHOLDER.finditer(expected):
            pattern += re.escape(expected[end : found.start()])
            end, name = found.end(), found[1]
            if name in self.known:
                pattern += re.escape(self.known[name])
            elif name in names:
                pattern += f"(?P={_group(name)})"
            else:
                pattern += f"(?P<{_group(name)}{_serial(name, names)}>{_kind(name)})"
                names.append(name)
        found_all = re.fullmatch(pattern + re.escape(expected[end:]), actual)
        self._check(found_all is not None, at, f"{actual!r}, not {expected!r}")
        assert found_all is not None
        for name in names:
            if name not in _ANY:
                self.known[name] = found_all[_group(name)]

    def _match_object(self, expected: dict[str, Any], actual: Any, at: str) -> None:
        self._check(isinstance(actual, dict), at, actual)
        named = expected.keys() - {REST}
        missing, surplus = named - actual.keys(), actual.keys() - named
        self._check(not missing, at, f"without {sorted(missing)}")
        self._check(bool(surplus) == (REST in expected), at, f"with {sorted(surplus)} besides")
        for name in expected:
            if name != REST:
                self.match(expected[name], actual[name], f"{at}.{name}")

    @staticmethod
    def _check(right: bool, at: str, found: object) -> None:
        if not right:
            raise Mismatch(f"{at} is {found}")


def _kind(name: str) -> str:
    return _KINDS[name.partition("-")[0]]


def _group(name: str) -> str:
    return name.replace("-", "_")


def _serial(name: str, names: list[str]) -> str:
    """Tells apart the groups of a name that is not remembered."""
    return f"_{len(names)}" if name in _ANY else ""


@dataclass(frozen=True)
class Message:
    """An HTTP message as a fence writes it."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def of(cls, text: str) -> Message:
        head, _, body = text.partition("\n\n")
        first, *lines = head.split("\n")
        pairs = [line.partition(": ") for line in lines]
        return cls(first, tuple((name, value) for name, _, value in pairs), body)

    @property
    def status(self) -> int:
        """The code of a response's status line, whose phrase must be the registered one."""
        version, code, phrase = self.first.split(" ", 2)
        assert (version, phrase) == ("HTTP/1.1", HTTPStatus(int(code)).phrase), self.first
        return int(code)


Block = dict[str, str]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a ``text/event-stream``, comments left out."""
    for block in text.strip("\n").split("\n\n"):
        fields = [line.partition(": ") for line in block.split("\n") if line[:1] not in ("", ":")]
        if fields:
            yield {name: value for name, _, value in fields}


def match_blocks(values: Values, expected: str, actual: str) -> None:
    """Hold a stream against a documented one, block for block."""
    wanted, found = list(blocks(expected)), list(blocks(actual))
    if len(wanted) != len(found):
        raise Mismatch(f"{len(found)} blocks, not {len(wanted)}: {actual}")
    for place, (one, other) in enumerate(zip(wanted, found, strict=True)):
        at = f"block {place}"
        if one.keys() != other.keys():
            raise Mismatch(f"{at} has {sorted(other)}, not {sorted(one)}")
        for name, value in one.items():
            if name == "data":
                values.match(json.loads(value), json.loads(other[name]), at)
            else:
                values.match_text(value, other[name], f"{at}, {name}")
