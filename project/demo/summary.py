"""The results of the demo's jobs, shortened for reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Answer:
    """A job's name, its result as its document has it, and its stored response."""

    name: str
    result: Any
    response: httpx.Response


def summary(answer: Answer) -> list[str]:
    """Some lines about a result."""
    response = answer.response
    kind = response.headers.get("content-type", "")
    lines = [f"{response.status_code} {kind}, {len(response.content):,} bytes"]
    if response.status_code != 200:
        return [*lines, response.json().get("detail", "")]
    match answer.name:
        case "demo.profile_csv":
            return lines + _table(response.json())
        case "demo.compress_video":
            return [*lines, _video(answer.result)]
        case _:
            return [*lines, _text(response.json())]


def _table(profile: dict[str, Any]) -> list[str]:
    columns = profile["columns"]
    lines = [f"{profile['file']}: {profile['rows']:,} rows, {len(columns)} columns"]
    lines += [_column(column) for column in columns[:_COLUMNS]]
    if len(columns) > _COLUMNS:
        lines.append(f"… and {len(columns) - _COLUMNS} more columns")
    return lines


def _column(column: dict[str, Any]) -> str:
    text = f"{column['name']:<16} {column['type']:<9} {column['nulls']:>5} nulls"
    if column.get("mean") is not None:
        text += f", {column['min']:g} to {column['max']:g}, mean {column['mean']:.1f}"
    if column["top"]:
        text += f", mostly {column['top'][0]['value']}"
    return text


def _video(data: dict[str, Any]) -> str:
    before, after = data["before"] / 1e6, data["after"] / 1e6
    return f"{data['seconds']:g} s of video: {before:.1f} MB before, {after:.1f} MB after"


def _text(data: dict[str, Any]) -> str:
    return (
        f"{data['words']} words, {data['unique_words']} of them different, in {data['sentences']} "
        f"sentences; the longest word is {data['longest_word']!r}"
    )
