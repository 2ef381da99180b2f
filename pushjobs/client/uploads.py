"""Files of a submission, as a caller names them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

#: A path, bytes, a binary file, or any of them with a name and perhaps a media type.
Content: TypeAlias = "os.PathLike[str] | bytes | IO[bytes]"
File: TypeAlias = "Content | tuple[str, Content] | tuple[str, Content, str]"
Files: TypeAlias = "Mapping[str, File | Sequence[File]]"


@contextmanager
def opened(files: Files) -> Iterator[list[tuple[str, Any]]]:
    """The parts of a form, as httpx takes them; paths are open while inside.

    A file that cannot be read twice, such as a pipe, is read into memory, since a submission may be
    sent once more.
    """
    parts: list[tuple[str, Any]] = []
    with ExitStack() as stack:
        for field, given in files.items():
            several: Sequence[Any] = given if isinstance(given, list) else [given]
            parts += [(field, _part(file, stack)) for file in several]
        yield parts


def _part(file: File, stack: ExitStack) -> tuple[Any, ...]:
    if isinstance(file, tuple):
        name, content, *media_type = file
    else:
        name, content, media_type = _name(file), file, []
    if isinstance(content, str):
        raise TypeError(f"a file is a Path, bytes or an open file, not the text {content!r}")
    if isinstance(content, os.PathLike):
        content = stack.enter_context(Path(content).open("rb"))  # noqa: SIM115
    if not isinstance(content, bytes) and not content.seekable():
        content = content.read()
    return (name, content, *media_type)


def _name(file: object) -> str:
    if isinstance(file, str):
        raise TypeError(f"a file is a Path, bytes or an open file, not the text {file!r}")
    given = file if isinstance(file, os.PathLike) else getattr(file, "name", None)
    name = Path(given).name if isinstance(given, str | os.PathLike) else "file"
    return name.encode(errors="replace").decode()  # It may be of bytes that are no UTF-8.
