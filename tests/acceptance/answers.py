"""What a page shows of an answer, held against what was answered.

``<name>`` stands for what the first answer that shows it has there, and ``…`` for anything.
"""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

_NAME = re.compile(r"<(\w+)>")


class Names(dict[str, str]):
    """What the names in angle brackets stand for, as far as it is known."""

    def fill(self, text: str) -> str:
        """The text, with what its names stand for."""
        return _NAME.sub(lambda match: self[match[1]], text)

    def check(self, shown: str, answer: httpx.Response) -> None:
        """Raises ``AssertionError`` where an answer is not as shown: status, headers, JSON."""
        head, _, body = shown.partition("\n\n")
        status, *headers = head.splitlines()
        if body:
            self._check_body(body, answer.json())
        assert status == f"{answer.http_version} {answer.status_code} {answer.reason_phrase}"
        for name, _, value in (line.partition(": ") for line in headers):
            match = re.fullmatch(self._pattern(value), answer.headers[name])
            assert match, f"{name}: {answer.headers[name]}"
            self.update(match.groupdict())

    def _pattern(self, shown: str) -> str:
        """What a header that is shown matches; a group for each name that is not known yet."""
        text = _NAME.sub(lambda match: self.get(match[1], match[0]), shown)
        pattern = re.escape(text).replace("…", ".*")
        return _NAME.sub(r"(?P<\1>[^/]+)", pattern)

    def _check_body(self, shown: str, body: dict[str, Any]) -> None:
        text = re.sub(r",\s*…", "", shown)
        members: dict[str, Any] = json.loads(text)
        assert members.keys() <= body.keys()
        assert text != shown or members.keys() == body.keys()
        for key, value in members.items():
            if isinstance(value, str) and (name := _NAME.fullmatch(value)):
                value = self.setdefault(name[1], body[key])
            assert value == body[key], key
