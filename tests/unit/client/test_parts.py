"""The client's small parts: URLs, waits, tokens, files."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pushjobs.client.backoff import jittered, retry_after
from pushjobs.client.credentials import Credentials, expiry
from pushjobs.client.endpoint import Endpoint
from pushjobs.client.ladder import rungs
from pushjobs.client.steps import AskToken
from pushjobs.client.uploads import opened
from tests.unit.client.drive import Clock, drive


def jwt(expires: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://host", "https://host/jobs"),
        ("https://host/", "https://host/jobs"),
        ("http://host:8/api/jobs/", "http://host:8/api/jobs"),
    ],
)
def test_the_url_of_an_api(url: str, base: str) -> None:
    assert Endpoint.of(url).base == base


@pytest.mark.parametrize("url", ["host/jobs", "ftp://host", "http:///jobs", "http://host?x=1"])
def test_what_is_no_url_of_an_api(url: str) -> None:
    with pytest.raises(ValueError, match="the URL of an API"):
        Endpoint.of(url)


@pytest.mark.parametrize("link", ["", "/response", "/events", "/cancel", "/"])
def test_a_job_is_found_from_any_of_its_links(link: str) -> None:
    endpoint, job = Endpoint.of_job(f"https://host/a/jobs/7{link}")
    assert (endpoint.base, job) == ("https://host/a/jobs", "7")


def test_the_urls_of_events() -> None:
    endpoint = Endpoint.of("https://host")
    assert endpoint.socket == "wss://host/jobs/socket"
    assert endpoint.events("job:7") == ("https://host/jobs/7/events", {})
    assert endpoint.events("tag:a b") == ("https://host/jobs/events", {"channel": "tag:a b"})
    assert endpoint.job("../x") == "https://host/jobs/..%2Fx"


def test_waits_double_up_to_half_a_minute() -> None:
    assert [jittered(failures, lambda: 1.0) for failures in (1, 2, 3, 6, 99)] == [1, 2, 4, 30, 30]
    assert jittered(3, lambda: 0.0) == 0


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 20) == 40
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 90) == 0
    assert [retry_after(text, 0) for text in ("7", "soon", "", None)] == [7, None, None, None]


def test_a_token_is_got_anew_half_a_minute_before_its_end() -> None:
    clock = Clock()
    credentials = Credentials(lambda: "", clock)
    given = [jwt(clock.now + 100), jwt(clock.now + 200)]
    asked = [
        len(drive(credentials.token(), lambda step: given.pop(0), clock).of(AskToken))
        for clock.now in (1000, 1069, 1070, 1071)
    ]
    assert asked == [1, 0, 1, 0]


def test_a_token_that_cannot_be_read_never_expires() -> None:
    assert [expiry(text) for text in ("opaque", "a.b.c", "a.e30.c")] == [None, None, None]
    assert expiry(jwt(12.5)) == 12.5


def test_polling_is_two_rungs_and_the_order_is_the_ladders() -> None:
    assert rungs(["polling", "websocket"]) == ("websocket", "long-polling", "polling")
    assert rungs(["long-polling"]) == ("long-polling",)
    for wrong in ([], ["pigeon"]):
        with pytest.raises(ValueError, match="ransport"):
            rungs(wrong)


@pytest.mark.parametrize(("name", "needs"), [("client", "httpx"), ("client.terminal", "rich")])
def test_it_needs_no_django_and_says_what_it_needs(name: str, needs: str) -> None:
    code = f"""
import sys
import pushjobs.{name}
assert not {{"django", "channels", "dramatiq"}} & set(sys.modules)
for module in [*sys.modules]:
    if module.startswith("pushjobs"):
        del sys.modules[module]
sys.modules["{needs}"] = None
import pushjobs.{name}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f'needs {needs}: pip install "pushjobs[client]"' in done.stderr


def test_files_are_paths_bytes_or_open(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"1")
    pipe = io.BytesIO(b"2")
    pipe.seekable = lambda: False  # type: ignore[method-assign]
    files = {"one": path, "two": [b"3", ("b.txt", pipe, "text/plain")]}
    with opened(files) as parts:
        (_, (name, content)), two, three = parts
        assert (name, content.read()) == ("a.csv", b"1")
        assert two == ("two", ("file", b"3"))
        assert three == ("two", ("b.txt", b"2", "text/plain"))
    assert content.closed
    with pytest.raises(TypeError, match="not the text"), opened({"one": "a.csv"}):  # type: ignore[dict-item]
        pass
