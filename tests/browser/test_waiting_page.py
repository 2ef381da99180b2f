"""The waiting page of a slow view, as a visitor meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import report
from tests.browser.site import LONG, TABLE
from tests.chaos.proxy import Proxy
from tests.processes import Server
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("browser")

with_and_without_scripts = pytest.mark.parametrize("scripts", [True, False])
RESPONSE = re.compile(r"/jobs/[-0-9a-f]{36}/response$")
#: Where a page asks how its job is.
FOLLOWED = re.compile(r"/jobs/[-0-9a-f]{36}(/events|$)")
LOST = "The connection is lost; trying again"


def heading(page: Page, text: str) -> None:
    """Wait until the page has this heading."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def ticks(page: Page, number: int) -> None:
    """Wait until the page shows a progress that is ``number`` ticks after the present one."""
    now = page.evaluate("document.querySelector('[data-pushjobs-message]').textContent")
    said = int(re.match(r"tick (\d+)|", now)[1] or 0)  # type: ignore[index]
    expression = "least => parseInt(document.body.innerText.match(/tick (\\d+)/)?.[1]) >= least"
    page.wait_for_function(expression, arg=said + number)


def test_a_visitor_sees_progress_and_then_the_result(
    page: Page, gate: Path, problems: list[str]
) -> None:
    page.goto("/test-login/ada")
    page.goto("/start")
    page.goto(report(gate))
    assert RESPONSE.search(page.url)
    heading(page, "Please wait")
    bar = page.get_by_role("progressbar", name="Progress")
    expect(bar).to_have_attribute("aria-valuenow", "40")
    expect(page.get_by_role("status")).to_have_text("In progress")
    expect(page.get_by_role("log", name="Output")).to_have_text(f"reading {LONG}")
    assert page.title() == "40 % · Please wait"
    assert page.evaluate("document.documentElement.scrollWidth") == 360, "it fits the screen"

    page.evaluate("window.loaded = 'once'")
    ticks(page, 40)  # Two seconds, in which a page without scripts would have loaded again.
    assert page.evaluate("window.loaded") == "once"

    gate.touch()
    heading(page, "Report for ada")
    page.reload()
    heading(page, "Report for ada")
    page.go_back()
    heading(page, "Start")
    page.go_forward()
    heading(page, "Report for ada")
    assert RESPONSE.search(page.url)
    assert problems == []


def test_a_reload_or_a_bookmark_while_waiting_shows_all_output_and_the_result(
    context: BrowserContext, page: Page, gate: Path
) -> None:
    page.goto(report(gate))
    ticks(page, 1)
    page.reload()
    other = context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        expect(tab.get_by_role("log")).to_have_text(f"reading {LONG}")
    gate.touch()
    for tab in (page, other):
        heading(tab, "Report for anyone")


@with_and_without_scripts
@pytest.mark.parametrize(
    ("kind", "shown"),
    [("redirect", "Arrived"), ("error", "Server Error (500)")],
)
def test_the_page_becomes_what_the_view_gives(
    page: Page, gate: Path, kind: str, shown: str
) -> None:
    page.goto(report(gate, kind))
    heading(page, "Please wait")
    gate.touch()
    heading(page, shown)


@with_and_without_scripts
def test_a_file_is_downloaded(
    page: Page, gate: Path, problems: list[str], *, scripts: bool
) -> None:
    page.goto(report(gate, "file"))
    with page.expect_download() as download:
        gate.touch()
    assert download.value.suggested_filename == "report.csv"
    assert Path(download.value.path()).read_bytes() == TABLE
    if scripts:  # The page stays, and does not seem to wait any longer.
        expect(page.get_by_role("status")).to_have_text("Done")
        expect(page.get_by_role("link")).to_have_text("Go to the result")
        expect(page.get_by_role("button")).to_have_count(0)
        assert problems == []


def test_without_its_script_the_page_loads_again_by_itself(page: Page, gate: Path) -> None:
    page.route("**/waiting.js", lambda route: route.abort())
    page.goto(report(gate))
    heading(page, "Please wait")
    gate.touch()
    heading(page, "Report for anyone")


@with_and_without_scripts
def test_a_visitor_cancels(page: Page, gate: Path, problems: list[str]) -> None:
    page.goto(report(gate))
    page.get_by_role("button", name="Cancel").click()
    heading(page, "Cancelled")
    assert RESPONSE.search(page.url)
    assert [text for text in problems if "410" not in text] == []


def test_to_cancel_what_is_over_shows_the_result(
    context: BrowserContext, page: Page, gate: Path
) -> None:
    page.route(FOLLOWED, lambda route: route.abort())
    page.goto(report(gate))
    expect(page.get_by_role("status")).to_have_text(LOST)
    gate.touch()
    until(lambda: context.request.get(page.url.removesuffix("/response")).status == 200)
    heading(page, "Please wait")
    page.get_by_role("button", name="Cancel").click()
    heading(page, "Report for anyone")


def test_a_stream_that_is_cut_is_made_up_for_by_polls(
    browser: Browser, link: Proxy, gate: Path
) -> None:
    with browser.new_context(base_url=f"http://127.0.0.1:{link.port}") as context:
        page = context.new_page()
        page.clock.install()
        page.goto(report(gate))
        ticks(page, 1)
        page.route("**/events?*", lambda route: route.abort())
        link.refuse()
        expect(page.get_by_role("status")).to_have_text(LOST)
        link.accept()
        page.clock.fast_forward(10_000)  # When it asks again.
        expect(page.get_by_role("status")).to_have_text("In progress")
        gate.touch()
        heading(page, "Report for anyone")


def test_a_stream_that_is_cut_is_taken_up_again(browser: Browser, link: Proxy, gate: Path) -> None:
    with browser.new_context(base_url=f"http://127.0.0.1:{link.port}") as context:
        page = context.new_page()
        page.goto(report(gate))
        ticks(page, 1)
        page.route("**/jobs/*", lambda route: route.abort())  # No polls.
        with page.expect_request("**/events?*"):
            link.cut()
        ticks(page, 5)
        expect(page.get_by_role("log")).to_have_text(f"reading {LONG}")
        gate.touch()
        heading(page, "Report for anyone")


def test_a_page_that_may_not_ask_how_its_job_is_is_not_loaded_again_and_again(
    page: Page, gate: Path
) -> None:
    page.route(FOLLOWED, lambda route: route.fulfill(status=403))
    with page.expect_response(lambda answer: answer.request.method == "HEAD") as asked:
        page.goto(report(gate))
        page.evaluate("window.loaded = 'once'")
    assert asked.value.status == 202
    heading(page, "Please wait")
    assert page.evaluate("window.loaded") == "once"


def test_the_page_heeds_what_its_visitor_prefers(
    browser: Browser, site: Server, gate: Path
) -> None:
    with browser.new_context(
        base_url=site.url, color_scheme="dark", reduced_motion="reduce"
    ) as context:
        page = context.new_page()
        page.goto(report(gate))
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.emulate_media(color_scheme="light")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (dark, light) == ("rgb(20, 23, 26)", "rgb(255, 255, 255)")
        moves = """() => {
          const bar = document.querySelector("progress");
          bar.removeAttribute("value");
          return getComputedStyle(bar).animationName;
        }"""
        assert page.evaluate(moves) == "none"
        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(moves) == "pushjobs-stripe"
