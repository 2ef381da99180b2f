"""``project.demo.video``, with the real ffmpeg: what it makes, refuses and leaves behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from project.demo import InputError, video

# Those that share a clip run in one process, which makes it once.
pytestmark = pytest.mark.xdist_group("video")

Children = list["subprocess.Popen[bytes]"]


@dataclass
class FakeRun:
    cancelled: bool = False
    steps: list[tuple[float, float | None, str | None]] = field(default_factory=list)
    on_progress: Callable[[], None] = lambda: None

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        self.steps.append((done, total, message))
        self.on_progress()

    def emit(self, chunk: str, stream: str = "output") -> None:
        pass


class Interrupt(BaseException):
    pass


def ffmpeg(*arguments: str | Path) -> None:
    command = [get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of video with sound."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    video.sample_video(path, seconds=1, size="160x90")
    return path


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough for ffmpeg to tell its progress long before its end."""
    path = tmp_path_factory.mktemp("video") / "long.mp4"
    video.sample_video(path, seconds=20)
    return path


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    """The processes that the code has started so far."""
    started: Children = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return started


def assert_gone(children: Children) -> None:
    assert children
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)


def refusal(source: Path) -> str:
    """Why a file is refused, without a word of where it lies."""
    target = source.with_name("out.mp4")
    with pytest.raises(InputError) as caught:
        video.compress(source, target, 28, FakeRun())
    assert not target.exists()
    assert str(source.parent) not in str(caught.value)
    return str(caught.value)


def test_compress(clip: Path, tmp_path: Path) -> None:
    run, target = FakeRun(), tmp_path / "out.mp4"
    found = video.compress(clip, target, 35, run)

    before, after = clip.stat().st_size, target.stat().st_size
    assert found == {
        "before": before,
        "after": after,
        "ratio": round(after / before, 4),
        "seconds": 1.0,
        "crf": 35,
    }
    assert after < before
    assert run.steps[-1][:2] == (1.0, 1.0)
    assert str(run.steps[-1][2]).startswith("encoding at ")
    data = target.read_bytes()
    assert data[4:8] == b"ftyp"
    assert data.index(b"moov") < data.index(b"mdat")  # it plays before it has loaded


def test_quality_decides_the_size(clip: Path, tmp_path: Path) -> None:
    sizes = [
        video.compress(clip, tmp_path / "out.mp4", crf, FakeRun())["after"] for crf in (0, 28, 51)
    ]
    assert sizes == sorted(sizes, reverse=True)


def test_progress_grows(long_clip: Path, tmp_path: Path) -> None:
    run = FakeRun()
    video.compress(long_clip, tmp_path / "out.mp4", 28, run)
    assert len(run.steps) > 2
    assert run.steps == sorted(run.steps, key=lambda step: step[0])
    assert all(0 < done <= 20 and total == 20 for done, total, _ in run.steps)


def test_odd_sides_no_sound_and_no_known_length(tmp_path: Path) -> None:
    source = tmp_path / "odd.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=101x77:duration=1", "-live", "1", source)
    run = FakeRun()
    assert video.duration(source, run) is None
    assert video.compress(source, tmp_path / "out.mp4", 28, run)["after"] > 0
    assert run.steps[-1][1] is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("noise.mp4", bytes(range(1, 256)) * 50),
        ("text.txt", b"hello\n" * 100),
        ("table.csv", b"a,b\n1,2\n"),
        ("-i.mp4", b"not an option\n"),
    ],
)
def test_not_a_video(tmp_path: Path, name: str, content: bytes) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    assert refusal(source) == "The file is not a video that ffmpeg can read."


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.txt"])
def test_playlists_are_not_followed(clip: Path, tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    source.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    assert "not a video" in refusal(source)
    source.write_text(f"ffconcat version 1.0\nfile {clip}\n")
    assert "not a video" in refusal(source)


def test_sound_only(tmp_path: Path) -> None:
    source = tmp_path / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine", "-t", "1", source)
    assert refusal(source) == "The file holds no video stream."


def test_pictures_that_cannot_be_decoded(clip: Path, tmp_path: Path) -> None:
    data, source = clip.read_bytes(), tmp_path / "broken.mp4"
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4  # the pictures and the sound
    source.write_bytes(data[:start] + bytes(end - start) + data[end:])
    assert refusal(source) == "The video cannot be decoded."
    head = start + (end - start) // 4
    source.write_bytes(data[:head] + bytes(end - head) + data[end:])
    assert refusal(source) == "Most of the video cannot be decoded."


def test_a_failure_of_ours_is_no_fault_of_the_input(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ffmpeg ended with status") as caught:
        video.compress(clip, tmp_path / "no" / "such" / "folder.mp4", 28, FakeRun())
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        video.compress(tmp_path / "none.mp4", tmp_path / "out.mp4", 28, FakeRun())


def test_interrupt_in_the_middle(long_clip: Path, tmp_path: Path, children: Children) -> None:
    target, seen, ended = tmp_path / "out.mp4", threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            video.compress(long_clip, target, 0, FakeRun(on_progress=seen.set))
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert seen.wait(30)
    assert target.exists()
    assert children[-1].returncode is None
    raised_in = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(raised_in, ctypes.py_object(Interrupt))
    thread.join(video.POLL_SECONDS + video.GRACE_SECONDS + 5)

    assert not thread.is_alive()
    assert [type(error) for error in ended] == [Interrupt]
    assert_gone(children)
    assert not target.exists()


def test_a_child_that_does_not_heed_is_killed(
    long_clip: Path, tmp_path: Path, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "GRACE_SECONDS", 0.2)

    def stop_child_and_fail() -> None:
        os.kill(children[-1].pid, signal.SIGSTOP)  # SIGTERM waits for it to go on
        raise Interrupt

    with pytest.raises(Interrupt):
        video.compress(long_clip, tmp_path / "out.mp4", 0, FakeRun(on_progress=stop_child_and_fail))
    assert_gone(children)
    assert children[-1].returncode == -signal.SIGKILL


def fake_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = tmp_path / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(path))


def test_cancelled_while_ffmpeg_is_silent(
    tmp_path: Path, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, "exec sleep 60")
    run = FakeRun()
    timer = threading.Timer(0.3, lambda: setattr(run, "cancelled", True))
    timer.start()
    started = time.monotonic()
    with pytest.raises(video.CancelledError):
        video.duration(tmp_path / "any.mp4", run)
    assert time.monotonic() - started < 5
    assert_gone(children)


def test_what_ffmpeg_complains_of_does_not_block_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
        echo "Input #0, mov" >&2
        yes "one of many complaints" | head -n 100000 >&2
        echo "  Duration: 01:02:03.50, start: 0" >&2
    """
    fake_ffmpeg(tmp_path, monkeypatch, script)
    assert video.duration(tmp_path / "any.mp4", FakeRun()) == 3723.5
