"""The terminal where something is odd: its files, its text, its server, the moment of a Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from pushjobs.client import Client, Refused
from pushjobs.client.documents import Event, Job, JobList
from pushjobs.client.state import JobState, reduce
from pushjobs.client.terminal.display import LONGEST_LINE, Bars, Lines, display
from tests.unit.client.drive import event
from tests.unit.client.test_asking import DOCUMENT
from tests.unit.client.test_terminal import END, URL, exit_code

SECRET = "s3cr3t"
STEER = "\x1b]0;owned\x07"
JOB = Job.read(DOCUMENT | {"status": "queued"})
OVER = Job.read(DOCUMENT | {"status": "succeeded", "result": 1})


def says(monkeypatch: pytest.MonkeyPatch, **methods: Any) -> None:
    """Have a client whose methods do this."""
    for name, method in methods.items():
        monkeypatch.setattr(Client, name, method)


def refused(*_: Any, **__: Any) -> Any:
    raise Refused({"type": "about:blank", "title": "no", "status": 403, "detail": f"no{STEER}"})


@pytest.mark.parametrize(
    "words",
    [
        ["follow", f"{URL}/jobs/7?token={SECRET}"],
        ["list", f"{URL}?token={SECRET}"],
        ["list", f"http://me:{SECRET}@127.0.0.1:9"],
        ["list", f"127.0.0.1/jobs?token={SECRET}"],
        ["list", URL, "--token", f"{SECRET}\nX: y"],
        ["list", URL, "--header", f"Cookie: {SECRET}\nX: y"],
        ["list", URL, "--header", f"Cookie: {SECRET}é"],
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_not_said(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*words) == 2
    said = capsys.readouterr()
    assert said.err.startswith("pushjobs: ")
    assert SECRET not in said.out + said.err


@pytest.mark.parametrize(
    "words",
    [
        ["submit", URL, "test", "x:=NaN"],
        ["submit", URL, "test", "x:=1e999"],
        ["submit", URL, "test", 'x:="\\ud800"'],
        ["submit", URL, "test", "x:=" + "[" * 100_000],
        ["submit", URL, "test", "x=\udcff"],
        ["submit", URL, "\udcff"],
        ["submit", URL, "test", "--tag", "\udcff"],
        ["submit", URL, "test", "--idempotency-key", "é"],
        ["list", "http://127.0.0.1:port"],
        ["list", "http://127.0.0.1:9/\x00"],
        ["result", f"{URL}/jobs/7", "--timeout", "nan"],
    ],
)
def test_what_cannot_be_sent_is_wrong_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*words) == 2
    assert "pushjobs" in capsys.readouterr().err


def test_a_result_that_cannot_be_written_is_no_failed_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    says(
        monkeypatch,
        get=lambda *_: OVER,
        response=lambda *_: httpx.Response(200, content=b"\x00"),
    )
    target = str(tmp_path / "nowhere" / "file")
    assert exit_code("result", f"{URL}/jobs/7", "-o", target) == 2
    assert "nowhere" in capsys.readouterr().err


def test_a_servers_words_do_not_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = Job.read(DOCUMENT | {"id": STEER, "name": STEER})
    says(monkeypatch, cancel=refused, list=lambda *_, **__: JobList((odd,), STEER))
    assert exit_code("cancel", f"{URL}/jobs/7") == 4
    assert exit_code("list", URL) == 0
    told = Event.read(event("started") | {"name": STEER})
    with Lines(sys.stdout, sys.stderr) as lines:
        lines.show(told, reduce(JobState(), told))
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\x07" not in said.out + said.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "name", "value"),
    [(Terminal(), "TTY_COMPATIBLE", "0"), (io.StringIO(), "FORCE_COLOR", "1")],
)
def test_who_reads_is_what_the_file_says(
    monkeypatch: pytest.MonkeyPatch, out: io.StringIO, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", out)
    assert isinstance(display(json_lines=False), Bars if out.isatty() else Lines)


def drawn(width: int, *bodies: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=10, _environ={})
    state = JobState()
    with Bars(console) as bars:
        for body in bodies:
            told = Event.read(body)
            state = reduce(state, told)
            bars.show(told, state)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_line_without_an_end_is_broken_and_complete() -> None:
    chunks = [event("output", stream="output", chunk="x" * 997) for _ in range(50)]
    text = drawn(20, *chunks, event("succeeded", **END))
    assert max(len(line) for line in text.splitlines()) <= LONGEST_LINE + 1000
    assert text.count("x") >= 50 * 997


def test_the_bar_stays_in_sight_below_a_long_line() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=10, _environ={})
    bars = Bars(console)
    told = Event.read(event("output", stream="output", chunk="x" * LONGEST_LINE))
    bars.show(told, reduce(JobState(), told))
    assert len(console.render_lines(bars._below())) <= console.height


def test_a_message_stays_on_its_line() -> None:
    message = "one\n" * 50
    text = drawn(80, event("progress", done=1, total=2, percent=50, message=message))
    assert text.count("\n") < 10


def test_events_of_no_sense_are_no_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Event.read(event("progress", done="a lot"))
    says(monkeypatch, follow=lambda *_, **__: iter([Event.read(event("output")), broken]))
    assert exit_code("follow", f"{URL}/jobs/7") == 5
    assert "job.output" in capsys.readouterr().err


def test_a_stream_that_ends_does_not_make_a_success_of_a_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    says(monkeypatch, follow=lambda *_, **__: iter(()), get=lambda *_: JOB)
    assert exit_code("follow", f"{URL}/jobs/7") == 5
    assert "not over" in capsys.readouterr().err


def interrupted(*then: Event) -> Any:
    """What is followed is interrupted once, and goes on with these."""
    times = 0

    def follow(*_: Any, **__: Any) -> Iterator[Event]:
        nonlocal times
        times += 1
        if times == 1:
            raise KeyboardInterrupt
        yield from then

    return follow


WORDS = ["follow", f"{URL}/jobs/7", "--cancel-on-interrupt"]


def test_a_job_that_ends_before_it_is_cancelled_shows_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def conflict(*_: Any) -> Job:
        raise Refused({"type": "urn:pushjobs:problem:conflict", "title": "over", "status": 409})

    ended = Event.read(event("succeeded", **END | {"result": 5}))
    says(monkeypatch, follow=interrupted(ended), cancel=conflict)
    assert exit_code(*WORDS) == 0
    assert capsys.readouterr().out == "5\n"


def test_a_second_interrupt_leaves_a_cancel_that_hangs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hangs(*_: Any) -> Job:
        raise KeyboardInterrupt

    says(monkeypatch, follow=interrupted(), cancel=hangs)
    assert exit_code(*WORDS) == 130
    assert f"pushjobs follow {URL}/jobs/7" in capsys.readouterr().err


TOLD = [
    event("output", stream="output", chunk="caf\u00e9 \u2713 \ud800 \U0001f600\n"),
    event("succeeded", **END | {"result": "\u00e9"}),
]
CODE = f"""
import sys
from pushjobs.client import Client
from pushjobs.client.documents import Event, Job, JobList
from pushjobs.client.terminal import main
job = Job.read({DOCUMENT!r})
Client.follow = lambda *_, **__: map(Event.read, {TOLD!r})
Client.list = lambda *_, **__: JobList((job,) * 5, None)
sys.exit(main(sys.argv[1:]))
"""


def run(command: str, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    line = ["sh", "-c", command, sys.executable, "-Wd", "-c", CODE, *words]
    return subprocess.run(line, capture_output=True, env=os.environ | environment, timeout=60)


def test_any_text_goes_to_any_encoding() -> None:
    words = ["follow", f"{URL}/jobs/7"]
    done = run('"$0" "$@"', *words, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout) == (0, b"caf\xe9 \\u2713 \\ud800 \\U0001f600\n\xe9\n")
    done = run('"$0" "$@"', *words, "--json", PYTHONIOENCODING="latin-1")
    first, _ = done.stdout.splitlines()
    assert json.loads(first)["data"]["chunk"] == "caf\u00e9 \u2713 \ud800 \U0001f600\n"


@pytest.mark.parametrize(("where", "code"), [(">&-", 0), (">/dev/full", 2)], ids=["closed", "full"])
def test_a_standard_output_that_takes_nothing(where: str, code: int) -> None:
    done = run(f'"$0" "$@" {where}', "follow", f"{URL}/jobs/7")
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
