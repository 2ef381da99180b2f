"""The check of the documents: it passes what is true, and fails what is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import readme

README = """# A project

```console
$ make demo
$ PORT=1 make serve test
$ .venv/bin/python manage.py serve --port 1
```

Run `make check`; whatever you make of it. See [the docs](docs/a.md#two-words), [here](#a-project),
[elsewhere](https://example.org/nothing), and `[code](nowhere.md)`.
"""
PAGE = """# One

## Two `words`

```http
[no link](nowhere.md)
```

## One

Back to [the start](../README.md), [the folder](../docs/), [the second](#one-1).
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "docs" / "a.md").write_text(PAGE)
    (tmp_path / "Makefile").write_text("X := 1\ndemo: x\ntest: x\nserve:\ncheck: demo\n")
    return tmp_path


def _found(root: Path) -> list[str]:
    return [*readme.wrong_commands(root, {"serve"}), *readme.wrong_links(root)]


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_is_true_passes(root: Path) -> None:
    assert _found(root) == []


def test_sees_what_there_is_to_check() -> None:
    assert readme.made(README) == {"demo", "serve", "test", "check"}
    assert readme.managed(README) == {"serve"}
    assert readme.links(README) == ["docs/a.md#two-words", "#a-project"]
    assert readme.links(PAGE) == ["../README.md", "../docs/", "#one-1"]
    assert readme.anchors(PAGE) == {"one", "two-words", "one-1"}


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("README.md", "make demo", "make damo", "make damo: the Makefile has no such target"),
        ("README.md", "serve test", "serve tset", "make tset: the Makefile has no such target"),
        ("README.md", "`make check`", "`make chalk`", "make chalk: the Makefile has no such"),
        ("Makefile", "check:", "chuck:", "make check: the Makefile has no such target"),
        ("README.md", "manage.py serve", "manage.py swerve", "manage.py swerve: there is no such"),
        ("README.md", "docs/a.md#", "docs/b.md#", "docs/b.md#two-words: there is no such file"),
        ("README.md", "#two-words", "#three-words", "#three-words: there is no such heading"),
        ("README.md", "(#a-project)", "(#b-project)", "#b-project: there is no such heading"),
        ("docs/a.md", "../docs/", "../dogs/", "docs/a.md: ../dogs/: there is no such file"),
        ("docs/a.md", "## One", "## Won", "docs/a.md: #one-1: there is no such heading"),
    ],
)
def test_what_is_false_is_told(root: Path, file: str, old: str, new: str, said: str) -> None:
    _replace(root / file, old, new)
    (wrong,) = _found(root)
    assert said in wrong


def test_exits_1_and_says_why(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert readme.main(root) == 0
    assert "make check, demo, serve, test; manage.py serve" in capsys.readouterr().out
    _replace(root / "README.md", "manage.py serve", "manage.py swerve")
    assert readme.main(root) == 1
    assert capsys.readouterr().out == "README.md: manage.py swerve: there is no such command\n"


def test_the_documents_of_this_project_are_true() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.readme"],
        cwd=readme.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert ran.stdout.startswith("README.md: make ")
