"""The page of the API: readable on a machine that reaches nothing but the server."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx
import pytest

from tests.processes import Server
from tests.protocol.asyncapi import Document

_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "png": "image/png"}


class Page(HTMLParser):
    """What a page loads, and the URL of the document that it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in ("script", "link", "img"):
            self.loads += filter(None, (attributes.get("src"), attributes.get("href")))


@pytest.fixture
def page(server: Server) -> httpx.Response:
    return httpx.get(f"{server.url}/jobs/docs")


def test_all_that_the_page_loads_comes_from_the_server(
    server: Server, page: httpx.Response
) -> None:
    assert page.status_code == 200
    loads = Page(page.text).loads
    assert {path.rpartition(".")[2] for path in loads} >= {"js", "css"}
    for path in loads:
        assert re.match(r"/[^/]", path), f"{path} is of another host"
        answer = httpx.get(server.url + path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].startswith(_TYPES[path.rpartition(".")[2]]), path
        assert answer.content, path


def test_no_style_or_script_of_the_page_loads_more(server: Server, page: httpx.Response) -> None:
    for path in Page(page.text).loads:
        if path.endswith(".css"):
            text = httpx.get(server.url + path).text
            assert "@import" not in text
            found = re.findall(r"url\(\s*[\"']?([^\"')]{,40})", text)
            assert all(url.startswith("data:") for url in found), found


def test_the_page_shows_the_document_of_the_server(server: Server, page: httpx.Response) -> None:
    (url,) = re.findall(r'"url": "([^"]+)"', page.text)
    assert url == "/jobs/openapi.json"
    document = httpx.get(server.url + url)
    assert document.status_code == 200
    assert document.json()["openapi"].startswith("3.1")


def test_every_reference_of_the_document_resolves(server: Server) -> None:
    document = Document(httpx.get(f"{server.url}/jobs/openapi.json").json())
    references = set(document.references())
    assert references
    for reference in references:
        document.resolve(reference)
