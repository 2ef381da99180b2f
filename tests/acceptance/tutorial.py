"""A tutorial in Markdown as steps that can be taken: files, edits, commands, and what they answer.

A ``python`` block that begins with ``# path`` is a file; a ``diff`` block is edits of the files
that it names, found by the lines around them; each line of a ``console`` block with ``$`` is a
command, and the others what it prints; the ``http`` or ``text`` block after it is its answer.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class File:
    """A file to write."""

    path: str
    text: str


@dataclass(frozen=True)
class Edit:
    """Lines of a file, and those to have in their place."""

    path: str
    before: list[str]
    after: list[str]

    def apply(self, folder: Path) -> None:
        self._replace(folder, self.before, self.after)

    def undo(self, folder: Path) -> None:
        self._replace(folder, self.after, self.before)

    @property
    def added(self) -> list[str]:
        return [line.strip() for line in self.after if line not in self.before]

    def _replace(self, folder: Path, old: list[str], new: list[str]) -> None:
        path = folder / self.path
        lines = path.read_text().split("\n")
        places = [at for at in range(len(lines)) if lines[at : at + len(old)] == old]
        assert len(places) == 1, f"{path}: {len(places)} places for {old}"
        lines[places[0] : places[0] + len(old)] = new
        path.write_text("\n".join(lines))


@dataclass
class Command:
    """A command, with what it is said to print and to be answered over HTTP."""

    words: list[str]
    printed: list[str] = field(default_factory=list)
    answer: str = ""


Step = File | Edit | Command


def read(text: str) -> list[Step]:
    """What the tutorial has one do, in its order."""
    found: list[Step] = []
    for kind, block in _BLOCK.findall(text):
        if kind == "console":
            found += _commands(block)
        elif kind == "diff":
            found += _edits(block)
        elif kind == "python" and (head := re.match(r"# (\S+\.py)\n", block)):
            found.append(File(head[1], block[head.end() :]))
        elif kind in ("http", "text"):
            assert isinstance(found[-1], Command)
            found[-1].answer = block
    return found


def _commands(block: str) -> list[Command]:
    found: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Command(shlex.split(line.removeprefix("$ "))))
        else:
            found[-1].printed.append(line)
    return found


def _edits(block: str) -> Iterator[Edit]:
    head, *hunks = re.split(r"^@@\n", block, flags=re.MULTILINE)
    path = head.splitlines()[-1].removeprefix("+++ ")
    for hunk in hunks:
        lines = hunk.splitlines()
        yield Edit(
            path,
            [line[1:] for line in lines if line[:1] in " -"],
            [line[1:] for line in lines if line[:1] in " +"],
        )
