"""Variables in a Compose file's values, as the Compose specification has them (interpolation).

``$NAME`` and ``${NAME}``; ``${NAME:-default}``, ``${NAME:?error}`` and ``${NAME:+replacement}``,
where an empty variable counts as unset, and the same without the colon, where it does not;
``$$`` for a dollar sign. Defaults, errors and replacements may hold variables themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


class InterpolationError(Exception):
    """A text that is no template, or a variable that must be set and is not."""


def interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    """``value`` with the variables in all its strings filled in; keys stay as they are."""
    if isinstance(value, str):
        return _Template(value, variables).filled()
    if isinstance(value, dict):
        return {key: interpolate(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, variables) for item in value]
    return value


class _Template:
    """One text, read from left to right."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self._text = text
        self._variables = variables
        self._at = 0

    def filled(self) -> str:
        return self._until_end(nested=False)

    def _until_end(self, *, nested: bool) -> str:
        """What stands up to the end of the text, or up to the brace that ends a variable."""
        parts: list[str] = []
        while self._at < len(self._text):
            mark = self._text[self._at]
            if nested and mark == "}":
                return "".join(parts)
            self._at += 1
            parts.append(self._variable() if mark == "$" else mark)
        if nested:
            raise self._error("a brace is not closed")
        return "".join(parts)

    def _variable(self) -> str:
        if self._take("$"):
            return "$"
        if not self._take("{"):
            return self._variables.get(self._name(), "")
        name = self._name()
        operator = _OPERATOR.match(self._text, self._at)
        if operator is None:
            found = self._variables.get(name, "")
        else:
            self._at = operator.end()
            found = self._operated(name, operator[0])
        if not self._take("}"):
            raise self._error(f"something that is not understood follows {name}")
        return found

    def _operated(self, name: str, operator: str) -> str:
        value = self._variables.get(name)
        if operator.startswith(":"):
            value = value or None
        # What is not used is not judged either: an error in it is not raised.
        used = value is None if operator[-1] in "-?" else value is not None
        variables, self._variables = self._variables, self._variables if used else _Anything()
        word = self._until_end(nested=True)
        self._variables = variables
        if operator[-1] == "+":
            return word if used else ""
        if used and operator[-1] == "?":
            raise InterpolationError(f"{name} is missing: {word or 'it must be set'}")
        return word if value is None else value

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise self._error("a variable's name is missing")
        self._at = found.end()
        return found[0]

    def _take(self, mark: str) -> bool:
        taken = self._text.startswith(mark, self._at)
        self._at += len(mark) if taken else 0
        return taken

    def _error(self, reason: str) -> InterpolationError:
        return InterpolationError(f"{self._text!r}, at {self._at}: {reason}")


class _Anything(dict[str, str]):
    """Every variable is set."""

    def get(self, name: str, default: Any = None) -> Any:
        return "set"
