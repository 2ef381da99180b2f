"""``docs/tutorial.md``, done: the wheel in an environment of its own, and a project that has it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.installation import Installation, install
from tests.acceptance.tutorial import Command, Edit, read
from tests.acceptance.walkthrough import Walkthrough
from tests.processes import ROOT
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("third-party")  # One environment for all.

TUTORIAL = read((ROOT / "docs" / "tutorial.md").read_text())
_START = next(
    place
    for place, step in enumerate(TUTORIAL)
    if isinstance(step, Command) and "serve" in step.words
)
#: Those that a project can have forgotten, of which nothing but a check could tell.
EDITS = [
    step
    for step in TUTORIAL
    if isinstance(step, Edit)
    and any(word in step.added[-1] for word in ("pushjobs", "ASGI"))
    and step.path != "mysite/views.py"
]
_FOR_REDIS, _FOR_UVICORN = {"hiredis", "msgpack", "redis"}, {"httptools", "uvicorn", "websockets"}
#: Modules that need more than the package asks for, and of what.
OPTIONAL = {
    "pushjobs.client": {"httpx"},
    "pushjobs.httpprotocol": _FOR_UVICORN,
    "pushjobs.log.connections": _FOR_REDIS,
    "pushjobs.log.redis": _FOR_REDIS,
    "pushjobs.log.scripts": _FOR_REDIS,
    "pushjobs.socketprotocol": _FOR_UVICORN,
    "pushjobs.testing.fixtures": {"pytest"},
    "pushjobs.textframes": _FOR_UVICORN,
}
IMPORT_ALL = """
import importlib, json, os, pkgutil
import django

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
import pushjobs

missing = {}
for module in pkgutil.walk_packages(pushjobs.__path__, "pushjobs."):
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        missing[module.name] = error.name
print(json.dumps([pushjobs.__file__, missing]))
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(tmp_path_factory.mktemp("third-party"))


@pytest.fixture(scope="module")
def walkthrough(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walkthrough]:
    """The project with all edits, just before it is served."""
    walkthrough = Walkthrough(installation, tmp_path_factory.mktemp("sites"))
    walkthrough.take(TUTORIAL[:_START])
    yield walkthrough
    walkthrough.stop()


@pytest.fixture(scope="module")
def served(walkthrough: Walkthrough) -> Walkthrough:
    walkthrough.take([TUTORIAL[_START]])
    return walkthrough


def test_the_wheel_has_all_that_the_app_needs_and_nothing_else(installation: Installation) -> None:
    names = set(zipfile.ZipFile(installation.wheel).namelist())
    package = ROOT / "pushjobs"
    sources = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == sources
    assert {Path(name).suffix for name in sources} >= {".py", ".html", ".js", ".css", ".lua"}
    assert "pushjobs/py.typed" in sources


def test_nothing_but_the_modules_for_an_extra_needs_one(walkthrough: Walkthrough) -> None:
    installation = walkthrough.installation
    code, printed = installation.run(walkthrough.folder, "python", "-c", IMPORT_ALL)
    assert code == 0, printed
    home, missing = json.loads(printed.splitlines()[-1])
    assert Path(home).parent == installation.packages / "pushjobs"
    assert missing.keys() == OPTIONAL.keys()
    assert all(name in OPTIONAL[module] for module, name in missing.items()), missing


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: f"{edit.path}: {edit.added[-1]}")
def test_a_forgotten_edit_is_told_with_the_line_to_add(
    walkthrough: Walkthrough, edit: Edit
) -> None:
    edit.undo(walkthrough.folder)
    try:
        _, printed = walkthrough.installation.run(
            walkthrough.folder, "python", "manage.py", "check"
        )
    finally:
        edit.apply(walkthrough.folder)
    assert _plain(edit.added[-1]) in _plain(printed), printed


def test_the_tutorial_goes_as_it_says(served: Walkthrough) -> None:
    served.take(TUTORIAL[_START + 1 :])
    assert served.names.keys() == {"id", "token", "another"}
    assert "Traceback" not in served.log


def test_a_browser_waits_on_the_page_in_the_wheel_and_gets_the_response(
    served: Walkthrough,
) -> None:
    headers = {"Accept": "text/html", "Prefer": "respond-async"}
    with httpx.Client(base_url=served.url, headers=headers, follow_redirects=True) as browser:
        page = browser.get("/report")
        assert (page.status_code, page.headers["Content-Type"][:9]) == (202, "text/html")
        scripts = re.findall(r'src="([^"]+)"', page.text)
        assert [browser.get(script).status_code for script in scripts] == [200]
        answers = [page]
        until(lambda: answers[-1].status_code == 200, lambda: answers.append(browser.get(page.url)))
        assert answers[-1].json()["totals"]["north"] == 5000


def _plain(line: str) -> str:
    return line.replace('"', "'").rstrip(",")
