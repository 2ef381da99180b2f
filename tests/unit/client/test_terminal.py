"""The command line and what is shown, in this process; tests/acceptance has it as a process."""

from __future__ import annotations

import io
import json
import logging
import random
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from project.stack.ports import free_port
from pushjobs.client.documents import Event
from pushjobs.client.state import JobState, reduce
from pushjobs.client.terminal import main
from pushjobs.client.terminal.arguments import read
from pushjobs.client.terminal.commands import COMMANDS
from pushjobs.client.terminal.display import Bars, JsonLines, Lines, printable
from pushjobs.client.terminal.outcome import Exit
from tests.unit.client.drive import event

ROOT = Path(__file__).resolve().parent.parent.parent.parent
URL = "http://127.0.0.1:9"
END = {"result": None, "status_code": 200, "content_type": "application/json"}


def exit_code(*words: str) -> int:
    try:
        return main(words)
    except SystemExit as exit_:
        return int(str(exit_.code))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["dance", URL], "dance"),
        (["submit", URL], "NAME"),
        (["submit", URL, "test.echo", "value"], "key=value"),
        (["submit", URL, "test.echo", "value:=nope"], "no JSON"),
        (["submit", URL, "test.echo", "value=@/nowhere"], "no such file"),
        (["submit", URL, "test.echo", "value=1", "value=2"], "given twice"),
        (["submit", URL, "test.echo", "--run-at", "soon"], "no time"),
        (["submit", URL, "test.echo", "--header", "Cookie"], "NAME:VALUE"),
        (["submit", "host/jobs", "test.echo"], "http://"),
        (["submit", URL, "test.echo", "--wait", "--follow"], "not allowed"),
        (["follow", URL], "the URL of a job"),
    ],
)
def test_wrong_usage_is_said(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*words) == 2
    assert said in capsys.readouterr().err


def test_the_page_says_every_command_option_and_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (ROOT / "docs" / "python-client.md").read_text()
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert codes == set(Exit) - {Exit.PIPE}
    said = ""
    for command in COMMANDS:
        assert exit_code(command, "--help") == 0
        said += capsys.readouterr().out
    assert set(re.findall(r"`pushjobs (\w+)", page)) <= set(COMMANDS)
    assert set(re.findall(r"(?<!-)--[a-z][a-z-]+", page)) <= set(re.findall(r"--[a-z-]+", said))


def test_options_may_stand_between_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHJOBS_TOKEN", "secret")
    words = ["submit", URL, "--tag=a", "name", "one=1", "--tag", "b", "two:=2", "three:=[]"]
    options = read(words)
    assert options.items == [("arg", "one", "1"), ("arg", "two", 2), ("arg", "three", [])]
    assert (options.tag, options.token) == (["a", "b"], "secret")


def test_a_server_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)
    assert exit_code("cancel", f"http://127.0.0.1:{free_port()}/jobs/7") == 5
    assert "refused" in capsys.readouterr().err
    assert logging.getLogger("pushjobs.client").handlers == []


STORY: list[dict[str, Any]] = [
    event("started"),
    event("output", stream="output", chunk="one\ntw"),
    event("progress", done=1, total=3, percent=33.3, message="\x1b[2Jthird"),
    event("progress", done=1.1, total=3, percent=36.6, message=None),
    event("output", stream="output", chunk="o\x1b[31m"),
    event("succeeded", **END),
]


def shown(display: Any) -> None:
    state = JobState()
    with display:
        for number, body in enumerate(STORY):
            told = Event.read(body, f"c{number}")
            state = reduce(state, told)
            display.show(told, state)


def test_a_pipe_gets_the_text_as_it_is_and_the_steps_apart() -> None:
    out, about = io.StringIO(), io.StringIO()
    shown(Lines(out, about))
    assert out.getvalue() == "one\ntwo\x1b[31m\n"
    assert about.getvalue().splitlines() == [
        "test: running",
        "test: running, 30 %",
        "test: succeeded",
    ]


def test_a_program_gets_the_events_as_they_came() -> None:
    out = io.StringIO()
    shown(JsonLines(out))
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert found == [{"cursor": f"c{number}"} | body for number, body in enumerate(STORY)]


def test_a_jobs_text_does_not_steer_a_persons_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={})
    shown(Bars(console))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[2Jthird" not in text
    assert "two\ufffd[31m" in text
    assert printable("a\tb\r\nc\x9b") == "a\tb\nc\ufffd"
