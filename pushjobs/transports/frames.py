"""Frames that a WebSocket client sends (``docs/protocol.md``): JSON objects with a ``type``."""

from __future__ import annotations

from typing import Any

import orjson

from pushjobs.conf import settings


class BadFrame(Exception):
    """A frame that no client of this protocol sends."""


def parse(message: dict[str, Any]) -> dict[str, Any]:
    text = message.get("text")
    if text is None:
        raise BadFrame("frames are text")
    if len(text) > settings.MAX_FRAME:
        raise BadFrame(f"a frame has at most {settings.MAX_FRAME} characters")
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadFrame("frames are JSON") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise BadFrame('a frame is an object with a "type"')
    return frame


_REQUIRED = object()


def text_of(frame: dict[str, Any], name: str, default: Any = _REQUIRED) -> Any:
    value = frame.get(name)
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, str):
        raise BadFrame(f'"{name}" of a {frame["type"]} frame is text')
    return value
