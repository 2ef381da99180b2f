"""``project.demo.samples``: the video is made once, and never half of it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from project.demo import samples


@pytest.fixture
def made(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where videos were made."""
    found: list[Path] = []

    def make(path: Path, seconds: float) -> None:
        found.append(path)
        path.write_bytes(b"video")

    settings.VAR = tmp_path
    monkeypatch.setattr(samples, "sample_video", make)
    return found


def test_the_video_is_made_when_it_is_first_asked_for(made: list[Path]) -> None:
    paths = {samples.sample(samples.VIDEO) for _ in range(2)}
    (path,) = paths
    assert path.read_bytes() == b"video"
    assert len(made) == 1
    assert made != [path]
    assert list(path.parent.iterdir()) == [path]


def test_a_video_that_could_not_be_made_is_made_the_next_time(
    made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, seconds: float) -> None:
        path.write_bytes(b"vid")
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(samples, "sample_video", fail)
        with pytest.raises(OSError, match="full"):
            samples.sample(samples.VIDEO)
    assert samples.sample(samples.VIDEO).read_bytes() == b"video"


def test_there_are_no_other_samples(made: list[Path]) -> None:
    assert set(samples.TYPES) == {samples.TABLE, samples.VIDEO}
    with pytest.raises(KeyError):
        samples.sample("../settings.py")
