"""``docs/prior-art.md``: all that its tables name is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import pushjobs
from pushjobs.conf import Settings
from pushjobs.registry import Registry

TESTS = Path(__file__).resolve().parent.parent
PAGE = TESTS.parent / "docs" / "prior-art.md"

_CODE = re.compile(r"`((?:[a-z]\w*|\d{4}_\w+)(?:\.(?:[a-z]\w*|\d{4}_\w+))*):([A-Za-z_][\w.]*)`")
_SCRIPT = re.compile(r"`(frontend/src/[\w/-]+\.tsx?):(\w+)`")
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
_SPAN = re.compile(r"`([^`]+)`")


def rows() -> Iterator[tuple[str, str, str, str]]:
    """What was asked for, how, where, and what shows it."""
    text = PAGE.read_text().partition("## Still to come")[0]
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| asked for"):
            _, asked, how, where, shown, _ = line.split("|")
            yield asked.strip(), how, where, shown


ROWS = list(rows())


@cache
def functions(path: Path) -> frozenset[str]:
    """The names of the functions and methods in a file."""
    found = ast.walk(ast.parse(path.read_text()))
    return frozenset(
        node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def has(module: str, name: str) -> bool:
    """Whether a module, of ours or of the reference project, has a dotted name."""
    root = "" if module.startswith("project.") else f"{pushjobs.__name__}."
    try:
        found: Any = import_module(root + module)
        for part in name.split("."):
            fields = getattr(found, "model_fields", {})  # Those of pydantic are no attributes.
            found = fields[part] if part in fields else getattr(found, part)
    except (ImportError, AttributeError):
        return False
    return True


def exports(path: str, name: str) -> bool:
    """Whether a file of the client for browsers exports a name."""
    file = TESTS.parent / path
    declared = rf"^export (?:async function|function|class|const) {name}\b"
    return file.exists() and re.search(declared, file.read_text(), re.MULTILINE) is not None


def test_every_row_names_code_and_tests_that_are_there() -> None:
    assert len(ROWS) > 100
    wrong = []
    for asked, _, where, shown in ROWS:
        code, tests = _CODE.findall(where), _TEST.findall(shown)
        scripts = _SCRIPT.findall(where)
        if not len(code) + len(scripts) == len(_SPAN.findall(where)) > 0:
            wrong.append(f"{asked}: no code in {where}")
        if not len(tests) == len(_SPAN.findall(shown)) > 0:
            wrong.append(f"{asked}: no test in {shown}")
        wrong += [f"{module}:{name}" for module, name in code if not has(module, name)]
        wrong += [f"{path}:{name}" for path, name in scripts if not exports(path, name)]
        wrong += [
            f"{path}::{name}"
            for path, name in tests
            if not (TESTS / path).exists() or name not in functions(TESTS / path)
        ]
    assert wrong == []


def lines(start: str) -> list[str]:
    found = [span for _, how, _, _ in ROWS for span in _SPAN.findall(how)]
    return sorted({span for span in found if span.startswith(start)})


@pytest.mark.parametrize("line", [*lines("@respond_async"), *lines("@job")])
def test_each_decorator_takes_what_it_is_given(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushjobs.registry.registry", Registry())
    names = {name: getattr(pushjobs, name) for name in ("job", "respond_async")}
    exec(f"{line}\ndef function(request): ...", names | {"__name__": __name__})


@pytest.mark.parametrize("line", lines("PUSHJOBS"))
def test_each_setting_is_one_and_may_be_so(line: str) -> None:
    Settings.model_validate(eval(line.partition("=")[2].strip()))


@pytest.mark.parametrize(
    "line", [*lines("return "), *lines("raise "), *lines("def "), *lines("for "), *lines("submit(")]
)
def test_each_statement_is_python(line: str) -> None:
    ast.parse(line)
