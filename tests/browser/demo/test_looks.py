"""How the demo's page looks, to eyes and to axe; and what it is without its script."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from project.demo.forms import TEXT as TALE
from tests.browser.demo.demopage import ROOT, TABLE, DemoPage, needs_axe

pytestmark = pytest.mark.xdist_group("browser")

#: By the name that each has in the documents: width, height, colour scheme.
LOOKS: dict[str, tuple[int, int, Any]] = {
    "wide": (1440, 1000, "light"),
    "dark": (1440, 1000, "dark"),
    "narrow": (360, 780, "light"),
}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Where screenshots go: with ``SCREENSHOTS=1`` to the documents."""
    return ROOT / "docs" / "images" if os.environ.get("SCREENSHOTS") else tmp_path


@needs_axe
def test_anyone_can_use_the_page_on_any_screen(demo: DemoPage, images: Path) -> None:
    page = demo.page
    page.emulate_media(reduced_motion="reduce")
    assert demo.violations() == [], "before the first job"
    demo.profile(TABLE)
    expect(page.locator("job-list table")).to_be_visible()
    demo.press("Use a sample: a fractal")
    expect(page.locator("job-list video")).to_be_visible()
    demo.narrate(TALE, pace="as one speaks")
    demo.has_put_out("scenes." if os.environ.get("SCREENSHOTS") else TALE[:20])
    for name, (width, height, scheme) in LOOKS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        if name == "narrow":
            page.evaluate("document.getElementById('jobs').scrollIntoView()")
        page.screenshot(path=images / f"page-{name}.png")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert name == "wide" or demo.violations() == [], name


@pytest.mark.parametrize("scripts", [False])
def test_without_scripts_a_job_is_started_and_its_result_seen(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="The connection")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("textbox", name="Text").fill("Hello there")
    page.get_by_role("button", name="Narrate").click()
    expect(page.locator("body")).to_contain_text('"words":2')
    page.goto("/")
    expect(page.get_by_role("link", name="Look at it")).to_be_visible()
