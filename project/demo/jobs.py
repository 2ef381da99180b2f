"""The demo's jobs, as their clients see them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import Field

from project.demo import InputError, csv_profile, narration
from project.demo.video import CancelledError, compress
from pushjobs import Failed, FileResult, InputFile, Run, job


@contextmanager
def _input_errors() -> Iterator[None]:
    """Tell the client what is wrong with its input, instead of trying again."""
    try:
        yield
    except InputError as error:
        raise Failed(str(error), status_code=422) from error


@job(name="demo.profile_csv", allow="anyone", max_attempts=3, time_limit=600)
def profile_csv(
    run: Run, table: InputFile, top: Annotated[int, Field(ge=1, le=100)] = 10
) -> dict[str, Any]:
    """Profile a CSV file, with the ``top`` most frequent values of each column.

    The result has the shape that ``csv_profile.profile`` documents.
    """
    with _input_errors(), table.open() as file:
        return csv_profile.profile(file, table.name, table.size, top, run)


@job(name="demo.compress_video", allow="anyone", max_attempts=3, time_limit=600)
def compress_video(
    run: Run, video: InputFile, crf: Annotated[int, Field(ge=0, le=51)] = 28
) -> FileResult | None:
    """Compress a video to an MP4 file; its ``data`` is what ``video.compress`` documents."""
    try:
        with _input_errors(), video.local_path() as source:
            with tempfile.NamedTemporaryFile(suffix=".mp4", delete=False) as output:
                target = Path(output.name)
            data = compress(source, target, crf, run)
    except CancelledError:
        return None  # the job is cancelled once a handler returns that has seen ``run.cancelled``
    return FileResult(
        target,
        filename=f"{PurePath(video.name).stem}.mp4",
        content_type="video/mp4",
        data=data,
        delete=True,
    )


@job(name="demo.narrate", allow="anyone", max_attempts=3, time_limit=600)
async def narrate(
    run: Run,
    text: Annotated[str, Field(min_length=1, max_length=20_000)],
    delay: Annotated[float, Field(ge=0, le=5)] = 0.05,
) -> dict[str, Any]:
    """Emit a text word by word, ``delay`` seconds apart.

    The result has the shape that ``narration.statistics`` documents.
    """
    return await narration.narrate(text, delay, run)
