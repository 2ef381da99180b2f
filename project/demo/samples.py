"""Samples: a table and a video to work on, for who has none at hand."""

from __future__ import annotations

import tempfile
from pathlib import Path
from threading import Lock

from django.conf import settings

from project.demo.video import sample_video

TABLE = "flights.csv"
VIDEO = "mandelbrot.mp4"
#: What each is served as.
TYPES = {TABLE: "text/csv", VIDEO: "video/mp4"}

_DATA = Path(__file__).parent / "data"
_making = Lock()


def sample(name: str) -> Path:
    """The file of a sample; the video, some 5 MB, is made when it is first asked for.

    Raises ``KeyError`` for any other name.
    """
    if name == VIDEO:
        return _video()
    if name == TABLE:
        return _DATA / TABLE
    raise KeyError(name)


def _video() -> Path:
    path: Path = settings.VAR / "samples" / VIDEO
    with _making:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Moved there once it is whole: another process may look, or make it as well.
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                made = Path(folder) / VIDEO
                sample_video(made, seconds=10)
                made.replace(path)
    return path
