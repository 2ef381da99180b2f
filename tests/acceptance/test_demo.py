"""``make demo``: it ends with 0 only if every job succeeded and every event was seen once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from project.demo.followers import Seen
from project.demo.journey import Journey
from tests.processes import ROOT

pytestmark = pytest.mark.xdist_group("demo")


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "project.demo.run", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)


def rows(output: str) -> list[tuple[str, str, list[int]]]:
    """The table's rows: job, transport, numbers."""
    found = re.findall(r"^(demo\.\w+) +(\w+) +((?:\d+ *){6})$", output, re.MULTILINE)
    return [(name, transport, list(map(int, text.split()))) for name, transport, text in found]


def test_the_demo_succeeds_and_misses_nothing() -> None:
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    table = rows(done.stdout)
    assert [(name, transport) for name, transport, _ in table] == [
        ("demo.profile_csv", "WebSocket"),
        ("demo.compress_video", "SSE"),
        ("demo.compress_video", "SSE"),
        ("demo.narrate", "polling"),
        ("demo.narrate", "WebSocket"),
    ]
    assert all(numbers[0] > 0 and not any(numbers[1:]) for _, _, numbers in table)
    told = re.search(r"(\d+) events seen of (\d+) in the log", done.stdout)
    assert told is not None
    assert int(told[1]) == int(told[2]) == sum(numbers[0] for _, _, numbers in table)


def test_the_demo_fails_when_a_job_fails(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video" * 100)
    done = run("--video", str(broken), "--text", "Only a few words this time.")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "demo.compress_video did not succeed: The file is not a video" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


LOG = [Seen(f"c{place}", "job.output", {}) for place in range(1, 6)]


@pytest.mark.parametrize(
    ("seen", "blemishes"),
    [
        ("12345", {}),
        ("1245", {"missed": 1}),
        ("123", {"missed": 2}),
        ("122345", {"repeated": 1}),
        ("21345", {"disordered": 1}),
        ("1234x5", {"foreign": 1}),
    ],
)
def test_the_count_tells_each_blemish(seen: str, blemishes: dict[str, int]) -> None:
    journey = Journey({"cursor": "c0"})
    journey.set_out("SSE").events += [Seen(f"c{place}", "job.output", {}) for place in seen]
    (count,) = journey.compare(LOG)
    names = ("repeated", "missed", "collapsed", "disordered", "foreign")
    assert {name: number for name in names if (number := getattr(count, name))} == blemishes
    assert count.clean == (not blemishes)


def test_what_a_second_leg_repeats_or_misses_is_counted() -> None:
    journey = Journey({"cursor": "c0"})
    journey.set_out("SSE").events += LOG[:3]
    journey.set_out("WebSocket").events += [LOG[2], LOG[4]]
    first, second = journey.compare(LOG)
    assert first.clean
    assert (second.repeated, second.missed) == (1, 1)
