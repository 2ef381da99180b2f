"""What the demo shows: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table

from project.demo.journey import Count

_PLAIN_WIDTH = 100
_STEP = 25  # per cent between two plain lines of a job


class Screen:
    """Writes to the terminal, or to whatever standard output is."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else _PLAIN_WIDTH
        self._console = Console(width=width, highlight=False)

    def act(self, title: str, *lines: str) -> None:
        """A heading and what is about to happen."""
        self._console.print()
        self._console.print(Rule(f"[bold]{escape(title)}", align="left", style="dim"))
        for line in lines:
            self._console.print(f"[dim]{escape(line)}")

    def say(self, text: str) -> None:
        self._console.print(escape(text))

    def verdict(self, text: str, *, good: bool) -> None:
        self._console.print()
        style = "bold green" if good else "bold red"
        self._console.print(f"{'✔' if good else '✘'} {text}", style=style, markup=False)

    def result(self, name: str, summary: Sequence[str]) -> None:
        self._console.print(f"[bold cyan]{escape(name)}")
        for line in summary:
            self._console.print(f"  {escape(line)}")

    def counts(self, rows: Sequence[tuple[str, Count]]) -> None:
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 1))
        table.add_column("job", no_wrap=True)
        table.add_column("transport", no_wrap=True)
        headings = ("seen", "repeated", "missed", "collapsed", "disordered", "unknown")
        for heading in headings:
            table.add_column(heading, justify="right")
        for name, count in rows:
            numbers = (
                count.seen,
                count.repeated,
                count.missed,
                count.collapsed,
                count.disordered,
                count.foreign,
            )
            table.add_row(name, count.transport, *map(str, numbers))
        self._console.print(table)

    @contextmanager
    def following(self) -> Iterator[Bars]:
        """The bars of the jobs that are followed side by side."""
        progress = Progress(
            TextColumn("[bold cyan]{task.fields[name]:<20}"),
            TextColumn("{task.fields[transport]:<10}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("[dim]{task.fields[events]:>4} events"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        with progress:
            yield Bars(progress, self._console)


class Bars:
    """A bar for each job; where there is no terminal, a line for each quarter of the way."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._told: dict[TaskID, int] = {}

    def add(self, name: str) -> TaskID:
        fields: dict[str, Any] = {"name": name, "transport": "", "events": 0, "note": "queued"}
        bar = self._progress.add_task(name, total=100, **fields)
        self._told[bar] = -1
        return bar

    def move(
        self, bar: TaskID, *, transport: str, events: int, percent: float | None, note: str
    ) -> None:
        self._progress.update(
            bar, completed=percent, transport=transport, events=events, note=escape(note[:40])
        )
        step = int(self._progress.tasks[bar].completed) // _STEP
        if self._progress.disable and step > self._told[bar]:
            self._told[bar] = step
            name = self._progress.tasks[bar].fields["name"]
            self._console.print(
                f"  {name:<20} {transport:<10} {step * _STEP:>3} %  {events:>4} events",
                markup=False,
            )

    def say(self, text: str) -> None:
        self._console.print(f"  [yellow]↪[/] {escape(text)}")
