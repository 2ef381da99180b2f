"""``project.demo.jobs``: what clients may send, and what they get for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from project.demo import jobs
from project.demo.video import sample_video
from pushjobs import Failed, FileResult
from pushjobs.exceptions import InvalidArguments
from pushjobs.registry import registry


class FakeRun:
    def __init__(self, cancelled: bool = False) -> None:
        self.cancelled = cancelled

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        pass

    def emit(self, chunk: str, stream: str = "output") -> None:
        pass


@dataclass
class LocalFile:
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        return self.path.open("rb")

    @contextmanager
    def local_path(self) -> Iterator[Path]:
        yield self.path


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the jobs' temporary files lie meanwhile."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def upload(path: Path, content: bytes) -> Any:
    path.write_bytes(content)
    return LocalFile(path)


def test_profile_csv(tmp_path: Path) -> None:
    run: Any = FakeRun()
    found = jobs.profile_csv(run, upload(tmp_path / "t.csv", b"a,b\n1,x\n"), top=1)
    assert (found["file"], found["rows"]) == ("t.csv", 1)
    with pytest.raises(Failed, match="empty") as caught:
        jobs.profile_csv(run, upload(tmp_path / "t.csv", b""))
    assert caught.value.status_code == 422


def test_compress_video(tmp_path: Path, temporary: Path) -> None:
    run: Any = FakeRun()
    source = tmp_path / "holiday.mov"
    sample_video(source, seconds=1, size="160x90")
    clip: Any = LocalFile(source)
    result = jobs.compress_video(run, clip, crf=40)

    assert isinstance(result, FileResult)
    assert (result.filename, result.content_type) == ("holiday.mp4", "video/mp4")
    assert result.delete
    assert Path(result.path).stat().st_size == result.data["after"] < result.data["before"]
    assert list(temporary.iterdir()) == [Path(result.path)]


def test_compress_video_leaves_nothing_behind(tmp_path: Path, temporary: Path) -> None:
    run: Any = FakeRun()
    with pytest.raises(Failed, match="not a video") as caught:
        jobs.compress_video(run, upload(tmp_path / "text.mp4", b"hello"))
    assert caught.value.status_code == 422
    cancelled: Any = FakeRun(cancelled=True)
    assert jobs.compress_video(cancelled, upload(tmp_path / "text.mp4", b"hello")) is None
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("demo.profile_csv", {"top": 0}),
        ("demo.profile_csv", {"top": 101}),
        ("demo.profile_csv", {}),
        ("demo.compress_video", {"crf": 52}),
        ("demo.narrate", {"text": ""}),
        ("demo.narrate", {"text": "x" * 20_001}),
        ("demo.narrate", {"text": "x", "delay": 5.1}),
        ("demo.narrate", {"text": "x", "delay": "NaN"}),
    ],
)
def test_arguments_out_of_bounds(name: str, args: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments):
        registry.get(name).validate(args)


def test_anyone_may_narrate() -> None:
    spec = registry.get("demo.narrate")
    assert spec.allow == "anyone"
    assert spec.validate({"text": "Hello"}).model_dump() == {"text": "Hello", "delay": 0.05}
