"""Video compressed with ffmpeg, as a child process that ends with the call that started it."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from imageio_ffmpeg import get_ffmpeg_exe

from project.demo import InputError, Reporter

POLL_SECONDS = 0.2
GRACE_SECONDS = 2.0

# Containers only. Left to itself, ffmpeg also opens playlists, which name other files and hosts
# for it to read, and draws text files as pictures.
_FORMATS = "mov,matroska,avi,flv,mpeg,mpegts,ogg,asf,ivf,mxf,gif"
_DURATION = re.compile(r"^\s*Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_PICTURES = "0:V:0"  # the first video stream that is not a cover picture
_TOO_CORRUPT = 69  # ffmpeg's exit status when most of its input could not be decoded


class CancelledError(Exception):
    """ffmpeg was ended because its reporter had been cancelled."""


def compress(source: Path, target: Path, crf: int, report: Reporter) -> dict[str, Any]:
    """Encode a video as H.264 and AAC in an MP4 that plays before it has loaded.

    ``crf`` is x264's quality, 0 (lossless) to 51 (worst). Progress is in seconds of video, without
    a total where the file does not tell its length. Returns ``{"before", "after"}`` in bytes,
    ``"ratio"`` (after / before), ``"seconds"`` of video and ``"crf"``. Raises ``InputError`` for
    what is no video, ``CancelledError`` when cancelled, ``RuntimeError`` when ffmpeg fails for
    another reason; there is no ``target`` then.
    """
    before = source.stat().st_size
    try:
        seconds = _encode(source, target, crf, duration(source, report), report)
        after = target.stat().st_size
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return {
        "before": before,
        "after": after,
        "ratio": round(after / before, 4),
        "seconds": round(seconds, 2),
        "crf": crf,
    }


def duration(source: Path, report: Reporter) -> float | None:
    """The length of a video in seconds, ``None`` where its container does not tell.

    Raises ``InputError`` for what ffmpeg cannot open, and where it finds no moving picture or
    cannot decode the first one.
    """
    length: float | None = None
    opened = moving = False
    first_picture = ["-map", _PICTURES, "-frames:v", "1", "-f", "null", "-"]
    with _ffmpeg(*_input(source), *first_picture) as child:
        for line in _lines(child, report):
            if line.startswith("Input #0"):
                opened = moving = True
            elif "matches no streams" in line:
                moving = False
            elif found := _DURATION.match(line):
                hours, minutes, seconds = found.groups()
                length = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        status = child.wait()
    if not opened:
        raise InputError("The file is not a video that ffmpeg can read.")
    if not moving:
        raise InputError("The file holds no video stream.")
    if status:
        raise InputError("The video cannot be decoded.")
    return length


def sample_video(path: Path, seconds: float = 8, size: str = "640x360", rate: int = 30) -> None:
    """Make a real clip to compress: a noisy zoom into the Mandelbrot set, with a tone.

    ``size`` is width x height in pixels, ``rate`` frames per second; the suffix of ``path`` names
    the container. Some 4 MB at the defaults, 13 MB for 8 s of 1280x720, which take two cores
    2 to 3 seconds to compress. Raises ``subprocess.CalledProcessError``.
    """
    picture = f"mandelbrot=size={size}:rate={rate},noise=alls=20:allf=t+u"
    command = [get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
    command += ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=frequency=440"]
    command += ["-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "23"]
    command += ["-pix_fmt", "yuv420p", "-c:a", "aac", f"file:{path}"]
    subprocess.run(command, check=True, capture_output=True)


def _encode(source: Path, target: Path, crf: int, total: float | None, report: Reporter) -> float:
    """Run ffmpeg; returns the seconds of video that it wrote."""
    options = ["-v", "error", "-nostats", "-progress", "pipe:1", "-stats_period", "0.25"]
    # Odd sides do not fit 4:2:0, the one pixel format that every player knows.
    options += ["-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2", "-pix_fmt", "yuv420p"]
    options += ["-map", _PICTURES, "-map", "0:a:0?", "-c:a", "aac", "-b:a", "128k"]
    options += ["-c:v", "libx264", "-crf", str(crf), "-preset", "veryfast"]
    options += ["-movflags", "+faststart", "-f", "mp4", "-y", f"file:{target}"]
    done = 0.0
    complaints: deque[str] = deque(maxlen=5)
    with _ffmpeg(*_input(source), *options) as child:
        for line in _lines(child, report):
            key, equals, value = line.partition("=")
            if not equals or not key.replace("_", "").isalnum():
                complaints.append(line)
            elif key == "out_time_us" and value.isdecimal():
                done = int(value) / 1e6
            elif key == "speed" and done and value != "N/A":
                shown = done if total is None else min(done, total)
                report.progress(shown, total, f"encoding at {value.strip()}")
        status = child.wait()
    if status == _TOO_CORRUPT:
        raise InputError("Most of the video cannot be decoded.")
    if status:
        reason = "; ".join(complaints).replace(str(source), "input").replace(str(target), "output")
        raise RuntimeError(f"ffmpeg ended with status {status}: {reason}")
    return done


def _input(source: Path) -> list[str]:
    guard = ["-protocol_whitelist", "file", "-format_whitelist", _FORMATS]
    return ["-hide_banner", "-nostdin", *guard, "-i", f"file:{source}"]


@contextmanager
def _ffmpeg(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ffmpeg with both of its outputs in one pipe; it has ended when the block has."""
    with subprocess.Popen(
        [get_ffmpeg_exe(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a Ctrl-C is for the worker, which then decides
    ) as child:
        try:
            yield child
        finally:
            # Nested, for an interrupt may come here too, a second one even while we wait.
            try:
                child.terminate()
                with suppress(subprocess.TimeoutExpired):
                    child.wait(GRACE_SECONDS)
            finally:
                child.kill()


def _lines(child: subprocess.Popen[bytes], report: Reporter) -> Iterator[str]:
    """A child's lines until it closes its output; raises ``CancelledError`` when cancelled.

    Never waits longer than ``POLL_SECONDS`` outside of Python code: an exception which another
    thread raises in this one is only seen in between.
    """
    assert child.stdout is not None
    rest = b""
    with selectors.DefaultSelector() as selector:  # select() would refuse descriptors over 1023
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if report.cancelled:
                raise CancelledError
            if not selector.select(POLL_SECONDS):
                continue
            data = os.read(child.stdout.fileno(), 65536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")
