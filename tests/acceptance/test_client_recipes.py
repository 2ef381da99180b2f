"""The curl recipes of ``docs/clients.md``, run in their order against a really running server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.clients import channel_of
from tests.contract.followers import Credentials, Polling
from tests.processes import ROOT, Server
from tests.protocol.examples import blocks, sections

pytestmark = pytest.mark.xdist_group("client-recipes")

URL = "http://127.0.0.1:8000"
#: What curl is told beside its recipe: to break off now and then, as a poor network does.
POOR = 'max-time = 0.7\nnoproxy = "*"\n'
GOOD = 'noproxy = "*"\n'

Said = dict[str, str]


def recipes() -> dict[str, str]:
    """The recipes by the word that introduces each; the first defines what the others use."""
    page = (ROOT / "docs" / "clients.md").read_text()
    fences = [fence.text for fence in sections(page)["curl"]]
    assert page.count("```bash") == len(fences)
    names = ["define", "submit", "files", "follow", "earliest", "pages", "poll", "result"]
    return dict(zip([*names, "view", "cancel"], fences, strict=True))


def run(recipe: str, server: Server, folder: Path, curlrc: str) -> str:
    """What a recipe prints."""
    define, found = recipes()["define"], recipes()[recipe]
    assert URL in define
    (folder / ".curlrc").write_text(curlrc)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{define.replace(URL, server.url)}\n{found}"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


@pytest.fixture(scope="module")
def said(server: Server, folder: Path) -> Said:
    """What each recipe prints, in the order of the page."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl; Debian's package is `curl`")
    poor = {"follow"}
    return {name: run(name, server, folder, POOR if name in poor else GOOD) for name in recipes()}


def told(text: str) -> list[tuple[str | None, str]]:
    """The events of a stream's text, each with its id, those in pieces left out."""
    whole = re.findall(r"event: \S+\ndata: .*\n(?:id: \S+\n)?\n", text)
    found = [next(iter(blocks(block))) for block in whole]
    return [(block.get("id"), block["event"]) for block in found]


def logged(server: Server, folder: Path) -> list[tuple[str | None, str]]:
    job = json.loads((folder / "job.json").read_text())
    log = Polling(server, [channel_of(job)], Credentials(job["token"]), "earliest").rest()
    return [(item.cursor, item.type) for item in log]


def test_a_submission_is_answered_with_the_document(said: Said) -> None:
    assert said["submit"] == "queued"


def test_curl_follows_a_job_over_a_network_that_breaks(
    said: Said, server: Server, folder: Path
) -> None:
    log = logged(server, folder)
    assert len(log) > 8
    assert told(said["follow"]) == log
    assert said["follow"].count("retry: ") >= 2, "it has come back at least once"


def test_curl_replays_all_that_the_log_holds(said: Said, server: Server, folder: Path) -> None:
    assert told(said["earliest"]) == logged(server, folder)


def test_curl_follows_a_job_by_pages(said: Said, server: Server, folder: Path) -> None:
    page = json.loads(said["pages"])
    found = [(item["cursor"], item["event"]["type"]) for item in page["events"]]
    assert found == logged(server, folder)


def test_curl_polls_and_gets_the_result(said: Said) -> None:
    assert said["poll"] == "succeeded"
    assert json.loads(said["result"])["rows"] == 1


def test_curl_asks_an_asynchronous_view(said: Said) -> None:
    assert json.loads(said["view"]) == {"below": 40, "primes": 12, "largest": 37}


def test_curl_cancels(said: Said) -> None:
    assert said["cancel"] == "cancelled"
