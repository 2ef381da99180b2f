"""The tables of ``docs/protocol.md`` name all that the code has, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushjobs import asyncapi, events, exceptions, messages
from pushjobs.conf import Settings
from pushjobs.events import TERMINAL, EventType
from pushjobs.transports import socket as websocket
from tests.protocol.tables import CODE, PROTOCOL, in_code, rows

Problem = tuple[str, str]
_SIZES = {"KiB": 1024, "MiB": 1024 * 1024}


def _raised() -> set[Problem]:
    """Slug and status of each error that answers a request."""
    classes = [exceptions.PushjobsError]
    for each in classes:
        classes.extend(each.__subclasses__())
    return {(each.slug, str(each.status)) for each in classes}


def _calls(name: str) -> Iterator[ast.Call]:
    for text in CODE.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                yield node


def _kept() -> set[Problem]:
    """Slug and status of each error that is kept with a job."""
    found = set()
    for call in _calls("error_of"):
        status = call.args[2] if len(call.args) > 2 else ast.Constant(500)
        code = str(status.value) if isinstance(status, ast.Constant) else "400 to 599"
        found.add((ast.literal_eval(call.args[0]), code))
    return found


def test_all_problems_are_in_the_table_with_their_status() -> None:
    raised, kept = _raised(), _kept()
    assert len(raised) > 10
    assert len(kept) > 5
    listed = [(row["slug"], row["status"]) for row in rows(PROTOCOL, "slug")]
    assert sorted(listed) == sorted([*raised, *kept])
    assert all(row["when"] and row["what to do"] for row in rows(PROTOCOL, "slug"))


def test_no_problem_type_is_made_in_another_way() -> None:
    spelt = in_code(r"(.*urn:pushjobs:problem:.*)")
    assert all("{slug}" in line or "PROBLEM_TYPE =" in line or "<slug>" in line for line in spelt)
    assert in_code(r"PROBLEM_TYPE \+ (\S+)") == {"self.slug,", '"job-failed",'}


def test_all_event_types_are_in_the_table() -> None:
    listed = [row["type"] for row in rows(PROTOCOL, "type")]
    assert listed == [str(kind) for kind in EventType]
    assert set(listed[-3:]) == {str(kind) for kind in TERMINAL}


@pytest.mark.parametrize("model", [*messages.EVENTS, asyncapi.SnapshotEvent])
def test_the_table_names_the_data_of_each_event(model: type[messages.Event]) -> None:
    kind = model.model_fields["type"].annotation.__args__[0]
    (row,) = [row for row in rows(PROTOCOL, "type") if row["type"] == kind]
    data = set(model.model_fields["data"].annotation.model_fields)
    if kind == EventType.SNAPSHOT:
        data = {"cursor", "recovered", "more"}
        assert set(re.findall(r"`(\w+)`", row["data"])) == data
    else:
        assert set(re.findall(r"\w+", row["data"])) == data


def test_all_frames_are_in_the_tables() -> None:
    asked = {row["client sends"] for row in rows(PROTOCOL, "client sends")}
    told = {row["server sends"] for row in rows(PROTOCOL, "server sends")}
    tree = ast.parse(CODE[Path(websocket.__file__)])
    cases = [node.value for node in ast.walk(tree) if isinstance(node, ast.MatchValue)]
    assert asked == {ast.literal_eval(value) for value in cases}
    said = {
        ast.literal_eval(keyword.value)
        for call in _calls("say")
        for keyword in call.keywords
        if keyword.arg == "type"
    }
    wire = CODE[Path(websocket.__file__)] + CODE[Path(events.__file__)]
    assert told == said | set(re.findall(r'\{"type": "(\w+)"[,}]', wire))


def test_the_tables_name_the_members_of_each_frame() -> None:
    listed = {
        row[name]: set(re.findall(r"\w+", row["members"])) - {"optional", "or"}
        for name in ("client sends", "server sends")
        for row in rows(PROTOCOL, name)
    }
    frames = asyncapi.FRAMES
    assert listed == {
        frame.model_fields["type"].annotation.__args__[0]: set(frame.model_fields) - {"type"}
        for frame in frames
    }


def test_all_close_codes_are_in_the_table() -> None:
    listed = [int(row["close code"]) for row in rows(PROTOCOL, "close code")]
    in_use = {
        websocket.GOING_AWAY,
        websocket.TOO_SLOW,
        websocket.BAD_FRAME,
        websocket.UNAUTHORIZED,
        websocket.OVER_LIMIT,
    }
    assert listed == sorted(in_use) == sorted(asyncapi.CLOSE_CODES)
    for row in rows(PROTOCOL, "close code"):
        comes_back = int(row["close code"]) < 3500
        assert row["then"].startswith("reconnect" if comes_back else "do not")


def test_the_limits_are_the_settings_defaults() -> None:
    listed = {row["setting"]: row["default"] for row in rows(PROTOCOL, "setting")}
    for name, default in listed.items():
        number, _, unit = default.partition(" ")
        assert Settings.model_fields[name].default == int(number) * _SIZES.get(unit, 1), name


def test_every_setting_that_is_mentioned_is_one_or_djangos() -> None:
    mentioned = set(re.findall(r"`([A-Z][A-Z_]+_[A-Z_]+)`", PROTOCOL))
    assert mentioned - Settings.model_fields.keys() == {"CORS_ALLOWED_ORIGINS"}
