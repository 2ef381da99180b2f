"""The command ``pushjobs`` against a real server: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from pushjobs.client.terminal import main
from tests.processes import ROOT, Server

COMMAND = [sys.executable, "-m", "pushjobs.client"]


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*words: str, token: str = "", stdin: str = "") -> Done:
    """The command in this process: to start another takes longer than most of what it does."""
    given, out, err = (TextIOWrapper(BytesIO(text.encode())) for text in (stdin, "", ""))
    with (
        patch.dict(os.environ, PUSHJOBS_TOKEN=token),
        patch.object(sys, "stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = main(words)
        out.flush()
        err.flush()
    return Done(code, *(text.buffer.getvalue().decode() for text in (out, err)))  # type: ignore[attr-defined]


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_pipe_gets_the_output_and_the_result_and_nothing_else(server: Server) -> None:
    words = ["submit", server.url, "test.talk", "words:=2", "--follow"]
    done = subprocess.run([*COMMAND, *words], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'word-0 word-1 \n{"words": 2}\n'
    assert done.stderr.splitlines()[0] == "test.talk: queued"
    assert done.stderr.splitlines()[-1] == "test.talk: succeeded"


def test_a_program_gets_an_event_on_each_line(server: Server) -> None:
    done = run("submit", server.url, "--json", "test.talk", "--follow", "words:=1")
    events = lines(done.stdout)
    kinds = [event["type"] for event in events if event["type"] != "job.progress"]
    assert kinds == ["job.queued", "job.started", "job.output", "job.succeeded"]
    assert (done.returncode, done.stderr) == (0, "")


def test_files_text_and_json_are_arguments(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("12")
    done = run("submit", server.url, "test.digest", f"data=@{path}", "note=5", "--wait")
    found = json.loads(done.stdout)
    assert (found["name"], found["size"], found["note"]) == ("data.csv", 2, "5")
    done = run("submit", server.url, "test.names", "tables=@-", f"tables=@{path}", "--wait",
               stdin="1")  # fmt: skip
    assert (done.returncode, done.stdout) == (0, '["stdin", "data.csv"]\n')
    done = run("submit", server.url, "test.echo", 'value:={"deep": [1]}', "--wait")
    assert json.loads(done.stdout) == {"deep": [1]}


def test_a_job_is_followed_later_with_its_token_and_its_result_is_saved(
    server: Server, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    report.write_text("a,b\n")
    hidden = run("submit", server.url, "test.echo", "--json")
    assert "token" not in hidden.stdout
    asked = run("submit", server.url, "test.result", "kind=file", f"path={report}", "--json",
                "--show-token")  # fmt: skip
    (job,) = lines(asked.stdout)
    url = server.url + job["links"]["self"]
    followed = run("follow", url, "--transport", "sse", token=job["token"])
    assert (followed.returncode, json.loads(followed.stdout)) == (0, {"rows": 2})
    target = tmp_path / "copy.csv"
    saved = run("result", url, "-o", str(target), token=job["token"])
    assert (saved.returncode, target.read_text()) == (0, "a,b\n")
    refused = run("follow", url)
    assert refused.returncode == 4
    assert "token" in refused.stderr


def test_the_exit_code_says_what_became_of_the_job(server: Server, gate: Path) -> None:
    failed = run("submit", server.url, "test.refuse", "--follow")
    assert (failed.returncode, failed.stderr.splitlines()[-1]) == (1, "pushjobs: no more seats")
    (job,) = lines(run("submit", server.url, "test.hold", f"until={gate}", "--json",
                       "--show-token").stdout)  # fmt: skip
    url = server.url + job["links"]["self"]
    assert run("cancel", url, token=job["token"]).returncode == 0
    assert run("follow", url, token=job["token"]).returncode == 3
    gate.touch()
    again = run("retry", url, "--json", token=job["token"])
    assert lines(again.stdout)[0]["id"] != job["id"]


def test_a_list_of_my_jobs(server: Server) -> None:
    with server.client() as http:
        csrf = http.get("/test-login/terminal").text
        headers = {"X-CSRFToken": csrf}
        body = {"channels": ["user:me"], "scope": ["read"]}
        token = http.post("/jobs/tokens", json=body, headers=headers).json()["token"]
        cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    for number in (1, 2):
        made = run("submit", server.url, "test.add", f"left:={number}", "--wait", "--header",
                   f"Cookie: {cookie}", "--header", f"X-CSRFToken: {csrf}")  # fmt: skip
        assert made.stdout == f"{number}\n"
    found = run("list", server.url, "--json", "--status", "succeeded", token=token)
    assert [job["result"] for job in lines(found.stdout)] == [2, 1]
    table = run("list", server.url, "--limit", "1", token=token)
    assert "test.add" in table.stdout
    assert "--after" in table.stderr


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("transport", ["websocket", "sse"])
def test_an_interrupt_leaves_the_job_and_says_how_to_go_on(
    server: Server, gate: Path, transport: str
) -> None:
    words = ["submit", server.url, "test.hold", f"until={gate}", "--transport", transport]
    with start(*words, "--follow") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    gate.touch()
    assert process.returncode == 130
    assert f"pushjobs follow {server.url}/jobs/" in said
    assert "Traceback" not in said


def test_an_interrupt_may_cancel_the_job(server: Server, gate: Path) -> None:
    words = ["submit", server.url, "test.hold", f"until={gate}", "--cancel-on-interrupt"]
    with start(*words, "--follow") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said.splitlines()[-1]) == (3, "test.hold: cancelled")


def test_who_reads_no_more_ends_it_quietly(server: Server) -> None:
    with start("submit", server.url, "test.flood", "chunks:=2000", "--follow") as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(30) == 141
    assert "Traceback" not in said


def test_a_person_sees_the_output_above_a_bar(server: Server) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    words = ["submit", server.url, "test.talk", "words:=3", "--follow"]
    with subprocess.Popen(
        [*COMMAND, *words], cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while data := os.read(ours, 65536):
                seen += data
        except OSError:  # So a terminal ends on Linux.
            pass
    os.close(ours)
    text = seen.decode()
    assert process.returncode == 0
    assert text.index("word-0 word-1 word-2") < text.index("succeeded")
    assert text.rstrip().endswith("}")
