"""What a person, a pipe or a program sees of jobs that are followed."""

from __future__ import annotations

import json
import sys
from typing import Any, Protocol, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from pushjobs.client.documents import Event
from pushjobs.client.state import JobState
from pushjobs.events import rfc3339

#: Control characters: a job's text shall not move the cursor, or say what it likes as the terminal.
_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}

#: Characters of a line that has not ended, after which it is broken: it is drawn again and again.
LONGEST_LINE = 2000


def printable(text: str) -> str:
    return text.replace("\r\n", "\n").translate(_CONTROLS)


class Display(Protocol):
    """Shows each event of a job, and the job's state after it."""

    def show(self, event: Event, state: JobState) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def display(*, json_lines: bool) -> Display:
    """For the standard output as it is."""
    if json_lines:
        return JsonLines(sys.stdout)
    if not sys.stdout.isatty():  # Whatever rich is told by its environment.
        return Lines(sys.stdout, sys.stderr)
    return Bars(Console(highlight=False, emoji=False))


class JsonLines:
    """Each event as it came, with its cursor, on a line of its own."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, event: Event, state: JobState) -> None:
        members = {
            "cursor": event.cursor,
            "channel": event.channel,
            "job": event.job,
            "name": event.name,
            "type": event.type,
            "attempt": event.attempt,
            "time": rfc3339(event.time),
            "data": event.data,
        }
        write_json(self._out, members)


class Lines:
    """The job's output as it is to one file, lines about the job to another."""

    def __init__(self, out: TextIO, about: TextIO) -> None:
        self._out = out
        self._about = about
        self._said: str | None = None
        self._line_ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._line_ended:
            self._out.write("\n")

    def show(self, event: Event, state: JobState) -> None:
        if event.type == "job.output":
            self._out.write(event.data["chunk"])
            self._out.flush()
            self._line_ended = event.data["chunk"].endswith("\n")
            return
        said = _said(state)
        if said != self._said:  # Not each of a thousand steps.
            self._said = said
            self._about.write(f"{printable(event.name)}: {said}\n")
            self._about.flush()


def _said(state: JobState) -> str:
    """A job in a few words, its progress in whole tens of a percent."""
    words = str(state.status)
    if state.attempt > 1:
        words += f", attempt {state.attempt}"
    if state.progress is not None and state.progress.percent is not None and not state.over:
        words += f", {int(state.progress.percent) // 10 * 10} %"
    return words


class Bars:
    """The job's output, and a bar beneath it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[said]}", markup=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        #: The last line of the output, until it is ended.
        self._line = ""
        self._live = Live(get_renderable=self._below, console=console, refresh_per_second=12)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._line:
            self._end_line()
        self._live.stop()

    def show(self, event: Event, state: JobState) -> None:
        if event.type == "job.output":
            self._write(printable(event.data["chunk"]))
        elif self._line and event.type != "job.progress":
            self._end_line()
        self._update(event, state)

    def _write(self, text: str) -> None:
        *lines, self._line = (self._line + text).split("\n")
        if len(self._line) > LONGEST_LINE:
            lines.append(self._line)
            self._line = ""
        for line in lines:
            self._console.print(Text(line), soft_wrap=True)

    def _end_line(self) -> None:
        line, self._line = self._line, ""
        self._console.print(Text(line), soft_wrap=True)

    def _update(self, event: Event, state: JobState) -> None:
        task = self._tasks.get(event.job)
        if task is None:
            task = self._progress.add_task(printable(event.name), total=None, said="")
            self._tasks[event.job] = task
        progress = state.progress
        said = str(state.status)
        total, done = None, 0.0
        if progress is not None:
            total, done = progress.total, progress.done
            if progress.percent is not None:
                said += f" {progress.percent:.0f} %"
            if progress.message:
                said += f"  {' '.join(str(progress.message).split())}"
        if state.over:
            total = total or 1.0
            done = total if state.status == "succeeded" else done
        self._progress.update(task, total=total, completed=done, said=printable(said))
        if state.over:
            self._progress.stop_task(task)

    def _below(self) -> Group:
        # Of a long line its end, so that the bar stays in sight.
        room = self._console.width * max(1, self._console.height - 5)
        line = [Text(self._line[-room:])] if self._line else []
        return Group(*line, self._progress)


def write_json(out: TextIO, value: Any) -> None:
    """One value on one line, in ASCII: of whatever encoding the file is, it stays JSON."""
    out.write(json.dumps(value, separators=(",", ":")) + "\n")
    out.flush()
