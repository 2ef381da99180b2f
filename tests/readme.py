"""Checks what README.md and docs/ refer to: ``python -m tests.readme``.

Each ``make X`` in README.md's code is a target of the Makefile, each ``manage.py X`` a management
command, and each relative link leads to a file that exists, and to a heading of it.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

import django
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent

_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^)>\s]+)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_MAKE = re.compile(r"\bmake((?:[ \t]+(?:[A-Z_]+=\S+|[a-z][\w.-]*))+)")
_MANAGE = re.compile(r"\bmanage\.py[ \t]+([a-z]\w*)")
_TARGET = re.compile(r"^([A-Za-z][\w.-]*)[ \t]*:(?!=)", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


def code(text: str) -> list[str]:
    """The fenced blocks and code spans of a Markdown text."""
    fences = [match[2] for match in _FENCE.finditer(text)]
    return fences + [match[2] for match in _SPAN.finditer(_FENCE.sub("", text))]


def made(text: str) -> set[str]:
    """The targets that the code of a text makes."""
    calls = [words for part in code(text) for words in _MAKE.findall(part)]
    return {word for words in calls for word in words.split() if "=" not in word}


def managed(text: str) -> set[str]:
    """The management commands that the code of a text runs."""
    return {name for part in code(text) for name in _MANAGE.findall(part)}


def links(text: str) -> list[str]:
    """The relative links of a text, what is code left out."""
    prose = _FENCE.sub("", text)
    prose = re.sub(r"`+[^`\n]+`+(?!\])", "", prose)
    found = [inline or reference for inline, reference in _LINK.findall(prose)]
    return [link for link in found if not _ELSEWHERE.match(link)]


def anchors(text: str) -> set[str]:
    """The anchors of a text's headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def wrong_commands(root: Path, commands: Iterable[str]) -> Iterator[str]:
    """What README.md tells to run and is not there."""
    readme = (root / "README.md").read_text()
    targets = set(_TARGET.findall((root / "Makefile").read_text()))
    for name in sorted(made(readme) - targets):
        yield f"README.md: make {name}: the Makefile has no such target"
    for name in sorted(managed(readme) - set(commands)):
        yield f"README.md: manage.py {name}: there is no such command"


def pages(root: Path) -> list[Path]:
    """The documents whose links are checked."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def wrong_links(root: Path) -> Iterator[str]:
    """The relative links that lead nowhere."""
    for page in pages(root):
        text = page.read_text()
        for link in links(text):
            path, _, anchor = unquote(link).partition("#")
            target = page.parent / path if path else page
            if not target.exists():
                yield f"{page.relative_to(root)}: {link}: there is no such file"
            elif anchor and anchor not in _anchors_of(target):
                yield f"{page.relative_to(root)}: {link}: there is no such heading"


def _anchors_of(target: Path) -> set[str]:
    return anchors(target.read_text()) if target.suffix == ".md" else set()


def main(root: Path = ROOT) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    wrong = [*wrong_commands(root, get_commands()), *wrong_links(root)]
    if wrong:
        sys.stdout.write("".join(f"{line}\n" for line in wrong))
        return 1
    readme = (root / "README.md").read_text()
    count = sum(len(links(page.read_text())) for page in pages(root))
    sys.stdout.write(
        f"README.md: make {', '.join(sorted(made(readme)))}; "
        f"manage.py {', '.join(sorted(managed(readme))) or '(none)'}: all there. "
        f"{count} links of {len(pages(root))} documents: all lead somewhere.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
