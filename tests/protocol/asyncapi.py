"""The AsyncAPI document as a test uses it: references, and a validator for each message."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

formats = FormatChecker(formats=("uuid",))


@formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Document:
    """The document that a server gives."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def resolve(self, reference: str) -> Any:
        """What a reference within the document refers to; ``KeyError`` for nothing."""
        assert reference.startswith("#/"), reference
        found: Any = self.content
        for part in reference[2:].split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def references(self, within: Any = ...) -> Iterator[str]:
        """Every reference of the document."""
        value = self.content if within is ... else within
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for member in value.values():
                yield from self.references(member)
        elif isinstance(value, list):
            for item in value:
                yield from self.references(item)

    def messages(self, channel: str) -> dict[str, dict[str, Any]]:
        """A channel's messages by name."""
        named = self.content["channels"][channel]["messages"]
        return {name: self.resolve(message["$ref"]) for name, message in named.items()}

    def errors(self, channel: str, name: str, value: Any, part: str = "payload") -> list[str]:
        """What is wrong with a message of a channel, by the document."""
        message = self.messages(channel)[name]
        return [
            _text(error) for error in self._validators[message[part]["$ref"]].iter_errors(value)
        ]

    @cached_property
    def _validators(self) -> dict[str, Draft202012Validator]:
        parts = {"components": self.content["components"]}
        references = [f"#/components/schemas/{name}" for name in parts["components"]["schemas"]]
        return {
            reference: Draft202012Validator({"$ref": reference, **parts}, format_checker=formats)
            for reference in references
        }


def _text(error: ValidationError) -> str:
    reasons = "; ".join(_text(cause) for cause in error.context or ())
    return f"{error.json_path}: {error.message} {reasons}"
