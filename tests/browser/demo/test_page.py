"""The demo's page, as a visitor meets it: each job from a click to its result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.demo.demopage import TABLE, TEXT, WORDS, DemoPage

pytestmark = pytest.mark.xdist_group("browser")


def test_a_visitor_profiles_a_table_of_their_own(demo: DemoPage) -> None:
    demo.profile(TABLE)
    demo.is_said("Done")
    profile = demo.page.get_by_role("region", name="Profile")
    expect(profile.get_by_role("row", name="people")).to_contain_text("717,710")
    with demo.page.expect_download() as download:
        demo.page.get_by_role("link", name="Download profile.json").click()
    assert json.loads(Path(download.value.path()).read_bytes())["rows"] == 2
    demo.page.reload()
    demo.is_said("Done")
    expect(profile.get_by_role("row")).to_have_count(3)


def test_a_visitor_drops_a_table_anywhere(demo: DemoPage) -> None:
    drop = """() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["city\\nOslo\\n"], "cities.csv", { type: "text/csv" }));
      const dropped = { dataTransfer: transfer, bubbles: true, cancelable: true };
      document.querySelector("h1").dispatchEvent(new DragEvent("drop", dropped));
    }"""
    demo.page.evaluate(drop)
    demo.is_said("Done")
    expect(demo.page.get_by_role("region", name="Profile")).to_contain_text("Oslo")


def test_a_visitor_sees_the_sample_compressed(demo: DemoPage) -> None:
    demo.press("Use a sample: a fractal")
    demo.is_said("Done")
    video = demo.page.get_by_label("The compressed video")
    expect(video).to_be_visible()
    demo.page.wait_for_function("document.querySelector('video').readyState >= 1")
    assert video.evaluate("video => [video.videoWidth, video.duration >= 9]") == [640, True]
    with demo.page.expect_download() as download:
        demo.job.get_by_role("link").click()
    assert download.value.suggested_filename == "mandelbrot.mp4"


def test_a_visitor_reads_along_and_sees_the_statistics(demo: DemoPage) -> None:
    demo.narrate()
    demo.has_put_out(WORDS[0])
    demo.has_put_out_all_of(TEXT)
    expect(demo.page.locator(".facts")).to_contain_text("Words15")
    expect(demo.page.locator("[data-events]")).to_contain_text("succeeded")


def test_a_very_long_word_keeps_to_its_place(demo: DemoPage) -> None:
    demo.narrate("x" * 3000)
    demo.is_said("Done")
    facts = demo.page.locator(".facts")
    expect(facts).to_contain_text("Characters3000")
    assert facts.evaluate("facts => facts.offsetWidth > facts.offsetHeight")
    assert demo.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_loads_the_page_again_in_mid_job_has_read_all_of_it(demo: DemoPage) -> None:
    demo.narrate(pace="as one speaks")
    demo.has_put_out(WORDS[2])
    demo.page.reload()
    demo.has_put_out_all_of(TEXT)


def test_a_slow_view_is_fetched_as_if_it_were_fast_and_opened_as_a_page(demo: DemoPage) -> None:
    tab = DemoPage(demo.page.context.new_page())
    for page in (demo, tab):
        page.hasten_report()
    demo.press("Fetch it here")
    tab.press("Open as a page")
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Please wait")
    expect(demo.page.locator("output")).to_have_text(
        "200: below 200,000 there are 17,984 primes, the largest 199,999."
    )
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Report")
    expect(tab.page.locator("body")).to_contain_text("17984")


def test_a_job_is_cancelled_and_tried_again(demo: DemoPage) -> None:
    demo.narrate(pace="slow")
    demo.has_put_out(WORDS[0])
    demo.job.get_by_role("button", name="Cancel").click()
    demo.is_said("Cancelled")
    demo.job.get_by_role("button", name="Try again").click()
    expect(demo.page.locator("job-list [part~=row]")).to_have_count(2)
    demo.has_put_out(WORDS[0])
    demo.job.get_by_role("button", name="Cancel").click()
    demo.is_said("Cancelled")


def test_a_file_that_is_no_table_is_refused_for_the_visitor_to_read(demo: DemoPage) -> None:
    demo.profile(b"")
    demo.is_said("Failed")
    expect(demo.job).to_contain_text("The file is empty.")


def test_the_keyboard_is_enough(demo: DemoPage) -> None:
    def tab_to(name: str) -> None:
        focused = "(() => { let at = document.activeElement;"
        focused += " while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
        focused += " return at?.innerText || at?.id || ''; })()"
        for _ in range(60):
            demo.page.keyboard.press("Tab")
            if name in demo.page.evaluate(focused):
                return
        pytest.fail(f"{name} is not to be reached")

    tab_to("text")
    demo.page.keyboard.press("Control+A")
    demo.page.keyboard.type("One, two")
    tab_to("Narrate")
    demo.page.keyboard.press("Enter")
    demo.is_said("Done")
    tab_to("your jobs")
    demo.page.keyboard.press("Enter")
    tab_to("Open the result")
    demo.page.keyboard.press("Enter")
    demo.page.wait_for_url("**/jobs/*/response")


def test_each_visitor_has_jobs_of_their_own(demo: DemoPage, other: DemoPage) -> None:
    demo.narrate("mine")
    demo.is_said("Done")
    other.narrate("theirs")
    other.is_said("Done")
    for page in (demo, other):
        page.page.reload()
        expect(page.page.locator("job-list [part~=row]")).to_have_count(1)
        page.is_said("Done")
