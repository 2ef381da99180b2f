"""The demo's page, open in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from project.demo import samples
from project.demo.video import sample_video
from tests.browser.demo.demopage import DemoPage
from tests.processes import Server


@pytest.fixture(scope="package", autouse=True)
def light_sample(site: Server) -> None:
    """The sample is there already, of few pictures a second: quickly made and compressed."""
    path = site.folder / "samples" / samples.VIDEO
    path.parent.mkdir()
    sample_video(path, seconds=10, rate=3)


@pytest.fixture
def demo(bundle: None, page: Page, problems: list[str]) -> Iterator[DemoPage]:
    """The page in a wide window; in the end it must not have complained."""
    page.set_viewport_size({"width": 1440, "height": 900})
    yield DemoPage(page)
    assert problems == []


@pytest.fixture
def other(bundle: None, browser: Browser, site: Server) -> Iterator[DemoPage]:
    """The same page, for another visitor."""
    with browser.new_context(base_url=site.url) as context:
        yield DemoPage(context.new_page())
